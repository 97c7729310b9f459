"use strict";
// Pairs of products, for which a person chooses a relation: what review.js shows of them, and their
// keys.

const pairs = { relations: [] };

// What differs between kinds of items.
const view = {
  noun: "pair",

  setUp(queue) {
    pairs.relations = queue.relations;
  },

  draw(shown) {
    const { probability } = shown;
    const sure = probability === null ? "" : ` The matcher says ${percent(probability)}.`;
    element("title").textContent = `Are these the same product?${sure}`;
    element("facts").replaceChildren(
      factRow("title", ...shown.titles.map(markedTitle)),
      ...shown.facts.map(({ name, texts, differs }) =>
        factRow(name, ...texts.map((text) => (differs ? [differing(text)] : [text])))),
    );
    element("answers").replaceChildren(
      ...pairs.relations.map((relation, number) => {
        const note = relation === shown.proposed ? "proposed" : "";
        return answerRow(keysOf(number), relation, note, () => choose({ relation }));
      }),
    );
  },

  // What was decided, as content of the page.
  said: ({ relation }) => [`Decided: ${relation}.`],

  chosen: ({ relation }) => (relation === undefined ? {} : { relation }),

  sought: () => undefined,

  proposed({ proposed: relation }) {
    return relation ? { name: relation, value: { relation } } : undefined;
  },

  keys() {
    const keys = {};
    pairs.relations.forEach((relation, number) => {
      for (const name of keysOf(number)) keys[name] = () => choose({ relation });
    });
    return keys;
  },
};

// The number of a relation; of the last one, which is none, also the key that means it for titles.
const keysOf = (number) => [String(number + 1), ...(number === pairs.relations.length - 1 ? ["n"] : [])];

function percent(share) {
  if (share > 0 && share < 0.005) return "<1 %";
  return share < 1 && share >= 0.995 ? ">99 %" : `${Math.round(100 * share)} %`;
}

function factRow(name, ...cells) {
  const row = document.createElement("tr");
  const heading = document.createElement("th");
  heading.scope = "row";
  heading.textContent = name;
  row.append(heading);
  for (const content of cells) row.insertCell().append(...content);
  return row;
}

const markedTitle = (pieces) => pieces.map(([text, differs]) => (differs ? differing(text) : text));

function differing(text) {
  const mark = document.createElement("mark");
  const told = document.createElement("span");
  told.className = "unseen";
  told.textContent = " (differs)";
  mark.append(text, told);
  return mark;
}
