"use strict";
// Titles, for which a person chooses a category: what review.js shows of them, and their keys.

const fold = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ı/g, "i");
const MOST_OPTIONS = 30;
const SAID = { none: "None of these categories.", missing: "The tree lacks its category." };
const tree = { ids: [], paths: [], ends: [], lower: [], matches: [], marked: -1 };
const reasons = { explains: false, known: new Map() };

const label = (node) => choose({ node });

// What differs between kinds of items.
const view = {
  noun: "title",

  setUp(queue) {
    Object.assign(tree, queue.tree);
    tree.lower = tree.paths.map((names) => fold(names.join(" > ")));
    reasons.explains = queue.explains;
    element("none").addEventListener("click", () => without("none"));
    element("missing").addEventListener("click", () => without("missing"));
    element("search").addEventListener("input", search);
    element("search").addEventListener("keydown", searched);
  },

  draw(shown) {
    element("title").textContent = shown.title;
    element("columns").textContent = Object.entries(shown.columns).map(([k, v]) => `${k}: ${v}`).join(" · ");
    showReasons(shown);
    element("answers").replaceChildren(
      ...shown.answers.map(({ id, path: names, confidence }, number) =>
        answerRow([String(number + 1)], path(names), `${(100 * confidence).toFixed(1)} %`, () => label(id))),
    );
    element("near").replaceChildren(
      ...shown.neighbours.map((near) => {
        const row = document.createElement("tr");
        row.append(cell(near.title, "text"), cell(near.path.join(" > "), "text"), cell(near.likeness.toFixed(2), "figure"));
        return row;
      }),
    );
    element("search").value = "";
    search();
  },

  // What was decided, as content of the page.
  said(event) {
    if (event.kind !== "label") return [SAID[event.kind]];
    const node = tree.ids.indexOf(event.node);
    return ["Decided: ", path(node < 0 ? event.path || [event.node] : tree.paths[node])];
  },

  chosen: ({ node }) => (node === undefined ? {} : { node }),

  // What a person is about to choose with Enter, whatever was decided; nothing if undefined.
  sought() {
    if (tree.marked < 0) return undefined;
    const node = tree.matches[tree.marked];
    return { name: tree.paths[node].at(-1), value: { node: tree.ids[node] } };
  },

  proposed({ answers: [first] }) {
    return first && { name: first.path.at(-1), value: { node: first.id } };
  },

  keys(shown) {
    const keys = { n: () => without("none"), m: () => without("missing"), "/": () => element("search").focus() };
    shown.answers.slice(0, 9).forEach(({ id }, number) => { keys[number + 1] = () => label(id); });
    return keys;
  },
};

function path(names) {
  const whole = document.createElement("span");
  whole.className = "path";
  for (const name of names) {
    const part = document.createElement("span");
    part.textContent = name;
    whole.append(part);
  }
  return whole;
}

function cell(text, kind) {
  const data = document.createElement("td");
  data.className = kind;
  data.textContent = text;
  return data;
}

// -- why the model answers so -----------------------------------------------------

function reasonsFor(item) {
  if (!reasons.known.has(item)) {
    const asked = fetch(address(`reasons/${item}`)).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
    asked.catch(() => reasons.known.delete(item)); // and is asked for again
    reasons.known.set(item, asked);
  }
  return reasons.known.get(item);
}

async function showReasons(shown) {
  const why = element("why");
  why.hidden = true;
  why.replaceChildren();
  why.dataset.item = shown.item;
  if (!reasons.explains) return;
  try {
    const levels = await reasonsFor(shown.item);
    if (why.dataset.item !== String(shown.item)) return;
    why.append(...reasonParts(levels));
    const following = review.items.slice(review.at + 1).find(({ item }) => !decisionOn(item));
    if (following) reasonsFor(following.item).catch(() => {});
  } catch {
    if (why.dataset.item !== String(shown.item)) return;
    why.append(line("The reasons for the answer could not be loaded.", "quiet"));
  }
  why.hidden = why.childElementCount === 0;
}

function line(text, kind) {
  const made = document.createElement("p");
  made.className = kind;
  made.textContent = text;
  return made;
}

const percent = (share) => (share > 0 && share < 0.005 ? "<1 %" : `${Math.round(100 * share)} %`);

function reasonParts({ levels, doubtful: place, deletion }) {
  const doubtful = levels[place];
  if (!doubtful) return [];
  const parts = [line(`Why ${choice(doubtful)}?`, ""), markedWords(doubtful)];
  parts.push(line(`Underlined: for ${doubtful.name}. Dotted: for ${doubtful.runner_up}. ${deletion}`, "quiet"));
  if (levels.length > 1) {
    const all = document.createElement("details");
    const name = document.createElement("summary");
    name.textContent = "All levels";
    const table = document.createElement("table");
    for (const level of levels) {
      const row = table.insertRow();
      row.append(cell(level.level, "text"), cell(choice(level), "text"));
      row.insertCell().append(markedWords(level));
    }
    all.append(name, table);
    parts.push(all);
  }
  return parts;
}

function choice(level) {
  const chosen = `${level.name} ${percent(level.confidence)}`;
  if (level.runner_up === null) return `${chosen}, the only choice`;
  return `${chosen}, not ${level.runner_up} ${percent(level.runner_up_confidence)}`;
}

function markedWords(level) {
  const words = document.createElement("p");
  words.className = "words";
  let column = "title";
  for (const { word, column: from, strength } of level.words) {
    if (from !== column) words.append(`${from}: `);
    column = from;
    words.append(strength ? marked(word, strength) : word, " ");
  }
  return words;
}

function marked(word, strength) {
  const mark = document.createElement("mark");
  mark.className = `${strength > 0 ? "for" : "against"} ${["one", "two", "three"][Math.abs(strength) - 1]}`;
  const told = document.createElement("span");
  told.className = "unseen";
  told.textContent = strength > 0 ? " (for)" : " (against)";
  mark.append(word, told);
  return mark;
}

// -- another category -----------------------------------------------------------

function search() {
  const words = fold(element("search").value).split(/\s+/).filter(Boolean);
  tree.matches = [];
  let all = 0;
  if (words.length) {
    // First the categories that a product may be labelled with exactly, then those above them.
    for (const ends of [1, 0]) {
      for (let node = 0; node < tree.lower.length; node += 1) {
        if (tree.ends[node] !== ends) continue;
        if (!words.every((word) => tree.lower[node].includes(word))) continue;
        all += 1;
        if (tree.matches.length < MOST_OPTIONS) tree.matches.push(node);
      }
    }
  }
  element("match-count").textContent = !words.length ? "" : all > MOST_OPTIONS
    ? `${all} found, the first ${MOST_OPTIONS} shown` : `${all} found`;
  tree.marked = tree.matches.length ? 0 : -1;
  element("search").setAttribute("aria-expanded", String(tree.matches.length > 0));
  options();
}

function options() {
  element("options").replaceChildren(
    ...tree.matches.map((node, number) => {
      const option = document.createElement("li");
      option.id = `option-${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(number === tree.marked));
      option.textContent = tree.paths[node].join(" > ");
      if (!tree.ends[node]) option.textContent += " (the exact category is not known)";
      option.addEventListener("click", () => label(tree.ids[node]));
      return option;
    }),
  );
  const box = element("search");
  if (tree.marked < 0) box.removeAttribute("aria-activedescendant");
  else {
    box.setAttribute("aria-activedescendant", `option-${tree.marked}`);
    element(`option-${tree.marked}`).scrollIntoView({ block: "nearest" });
  }
  showEnter();
}

function searched(event) {
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves && tree.matches.length) {
    event.preventDefault();
    tree.marked = (tree.marked + moves[event.key] + tree.matches.length) % tree.matches.length;
    options();
  } else if (event.key === "Enter" && tree.marked >= 0) {
    event.preventDefault();
    label(tree.ids[tree.matches[tree.marked]]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    element("search").value = "";
    search();
    element("title").focus();
  }
  event.stopPropagation();
}
