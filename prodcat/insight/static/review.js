"use strict";
// Shows one title at a time. A decision is kept in the browser until the server has confirmed that
// it is on the disk.

const fold = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ı/g, "i");
const element = (name) => document.getElementById(name);
const MOST_OPTIONS = 30;
const REVIEWER = "prodcat-reviewer"; // the key of the name of whoever reviews

const review = {
  items: [], tree: { ids: [], paths: [] }, lower: [],
  decisions: new Map(), order: [], at: 0, outbox: [], sending: false, matches: [], marked: -1,
  reasons: new Map(),
};
const SAID = {
  skip: "Skipped.",
  none: "None of these categories.",
  missing: "The tree lacks its category.",
};

// Each unconfirmed decision is stored under a key of its own, so that two tabs of the browser do not
// overwrite each other's decisions.
function storedDecisions() {
  const decisions = [];
  for (let index = 0; index < localStorage.length; index += 1) {
    const key = localStorage.key(index);
    if (!key.startsWith(review.key)) continue;
    try {
      decisions.push(JSON.parse(localStorage.getItem(key)));
    } catch {
      // not written by this page
    }
  }
  return decisions.sort((one, other) => one.at - other.at);
}

const keyOf = (event) => `${review.key}-${event.id}`;

// The path of the page begins with the token that every request needs.
const address = (name) => `${location.pathname.replace(/\/*$/, "")}/${name}`;

function showWaiting() {
  const waiting = element("waiting");
  waiting.hidden = review.outbox.length === 0 || !review.failed;
  waiting.textContent = `${review.failed} Decisions kept in this browser: ${review.outbox.length}. If the server was stopped, start prodcat review again with the same --port and open the new address that it prints; the page then sends these decisions.`;
}

// -- decisions -----------------------------------------------------------------

function apply(event) {
  const stack = review.decisions.get(event.item) || [];
  if (event.kind === "undo") {
    if (stack.pop()) review.order.splice(review.order.lastIndexOf(event.item), 1);
  } else {
    stack.push(event);
    review.order.push(event.item);
  }
  review.decisions.set(event.item, stack);
}

const decisionOn = (item) => (review.decisions.get(item) || []).at(-1);

function decide(kind, item, node) {
  const event = { id: crypto.randomUUID(), item, kind, at: Date.now() };
  if (node !== undefined) event.node = node;
  if (kind !== "undo") {
    const remarks = { comment: commentOn(item), reviewer: element("reviewer").value };
    for (const [name, text] of Object.entries(remarks)) if (text.trim()) event[name] = text.trim();
    sessionStorage.removeItem(draftKey(item));
  }
  apply(event);
  localStorage.setItem(keyOf(event), JSON.stringify(event));
  review.outbox.push(event);
  showWaiting();
  send();
}

async function send() {
  if (review.sending) return;
  review.sending = true;
  while (review.outbox.length) {
    const event = review.outbox[0];
    try {
      const answer = await fetch(address("decide"), {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Prodcat": "review" },
        body: JSON.stringify(event),
      });
      const result = await answer.json();
      const refused = [400, 413].includes(answer.status) && result.error;
      if (!refused && result.taken !== event.id) {
        review.failed = result.error || "The server does not answer.";
        showWaiting();
        break;
      }
      review.failed = "";
      review.outbox.shift();
      localStorage.removeItem(keyOf(event));
      showWaiting();
      if (refused) {
        // The server will never accept this decision, so it is removed here as well.
        const stack = (review.decisions.get(event.item) || []).filter(({ id }) => id !== event.id);
        review.decisions.set(event.item, stack);
        const at = review.order.lastIndexOf(event.item);
        if (at >= 0 && event.kind !== "undo") review.order.splice(at, 1);
        element("refused").textContent = `A decision was refused: ${result.error}`;
        element("refused").hidden = false;
        go(review.items.findIndex(({ item }) => item === event.item));
      }
    } catch {
      review.failed = "The server does not answer.";
      showWaiting();
      break;
    }
  }
  review.sending = false;
  if (review.outbox.length) setTimeout(send, 1000);
}

// A comment that belongs to no decision yet is kept until there is one, also through a reload.
const draftKey = (item) => `${review.key}-draft-${item}`;

function commentOn(item) {
  return sessionStorage.getItem(draftKey(item)) ?? decisionOn(item)?.comment ?? "";
}

function hasNewComment(item) {
  return commentOn(item).trim() !== (decisionOn(item)?.comment ?? "");
}

// -- the page -------------------------------------------------------------------

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

function draw() {
  const size = review.items.length;
  const done = review.items.filter(({ item }) => decisionOn(item)).length;
  element("progress").max = Math.max(size, 1);
  element("progress").value = done;
  element("progress-text").textContent = `${done} of ${size} decided`;
  const shown = review.items[review.at];
  if (!shown) {
    element("title").textContent = "There is nothing to review.";
    return;
  }
  element("place").textContent = `Title ${review.at + 1} of ${size}`;
  element("title").textContent = shown.title;
  element("columns").textContent = Object.entries(shown.columns).map(([k, v]) => `${k}: ${v}`).join(" · ");
  const chosen = element("chosen");
  const event = decisionOn(shown.item);
  chosen.hidden = !event;
  chosen.replaceChildren();
  if (event) {
    const node = review.tree.ids.indexOf(event.node);
    const names = node < 0 ? event.path || [event.node] : review.tree.paths[node];
    chosen.append(SAID[event.kind] || "Decided: ");
    if (event.kind === "label") chosen.append(path(names));
    const by = [event.comment && `“${event.comment}”`, event.reviewer].filter(Boolean).join(", ");
    if (by) chosen.append(` (${by})`);
  }
  element("comment").value = commentOn(shown.item);
  showReasons(shown);
  element("answers").replaceChildren(
    ...shown.answers.map((answer, number) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const key = document.createElement("kbd");
      key.textContent = number + 1;
      const confidence = document.createElement("span");
      confidence.textContent = `${(100 * answer.confidence).toFixed(1)} %`;
      button.append(key, path(answer.path), confidence);
      button.addEventListener("click", () => label(answer.id));
      row.append(button);
      return row;
    }),
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
}

function go(to) {
  review.at = Math.min(Math.max(to, 0), Math.max(review.items.length - 1, 0));
  draw();
  element("title").focus();
}

function next() {
  const size = review.items.length;
  if (size && review.items.every(({ item }) => decisionOn(item))) {
    element("progress-text").textContent = `All ${size} are decided.`;
  }
  for (let step = 1; step <= size; step += 1) {
    const to = (review.at + step) % size;
    if (!decisionOn(review.items[to].item)) return go(to);
  }
  go(review.at);
}

function label(node) {
  decide("label", review.items[review.at].item, node);
  next();
}

// What Enter does now: its words on the button, and the act; no act if there is nothing to do.
function onEnter() {
  const shown = review.items[review.at];
  if (!shown) return { words: "Nothing to accept" };
  if (review.marked >= 0) {
    const node = review.matches[review.marked];
    return { words: `Accept “${review.tree.paths[node].at(-1)}”`, act: () => label(review.tree.ids[node]) };
  }
  const event = decisionOn(shown.item);
  if (event && hasNewComment(shown.item)) {
    return { words: "Save the comment", act: () => { decide(event.kind, shown.item, event.node); next(); } };
  }
  if (event) return { words: "Next title", act: next }; // without deciding again
  const [first] = shown.answers;
  if (!first) return { words: "Nothing to accept" };
  return { words: `Accept “${first.path.at(-1)}”`, act: () => label(first.id) };
}

function accept() {
  onEnter().act?.();
}

function showEnter() {
  const { words, act } = onEnter();
  const key = document.createElement("kbd");
  key.textContent = "Enter";
  element("accept").disabled = !act;
  element("accept").replaceChildren(words, ...(act ? [" ", key] : []));
}

function without(kind) {
  decide(kind, review.items[review.at].item);
  next();
}

function undo() {
  const item = review.order.at(-1);
  if (item === undefined) return;
  const comment = commentOn(item);
  if (comment) sessionStorage.setItem(draftKey(item), comment);
  decide("undo", item);
  go(review.items.findIndex((shown) => shown.item === item));
}

// -- why the model answers so -----------------------------------------------------

function reasonsFor(item) {
  if (!review.reasons.has(item)) {
    const asked = fetch(address(`reasons/${item}`)).then((answer) => {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
    asked.catch(() => review.reasons.delete(item)); // and is asked for again
    review.reasons.set(item, asked);
  }
  return review.reasons.get(item);
}

async function showReasons(shown) {
  const why = element("why");
  why.hidden = true;
  why.replaceChildren();
  why.dataset.item = shown.item;
  if (!review.explains) return;
  try {
    const reasons = await reasonsFor(shown.item);
    if (why.dataset.item !== String(shown.item)) return;
    why.append(...reasonParts(reasons));
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

function reasonParts(reasons) {
  const doubtful = reasons.levels[reasons.doubtful];
  if (!doubtful) return [];
  const parts = [line(`Why ${choice(doubtful)}?`, ""), markedWords(doubtful)];
  parts.push(line(`Underlined: for ${doubtful.name}. Dotted: for ${doubtful.runner_up}. ${reasons.deletion}`, "quiet"));
  if (reasons.levels.length > 1) {
    const all = document.createElement("details");
    const name = document.createElement("summary");
    name.textContent = "All levels";
    const table = document.createElement("table");
    for (const level of reasons.levels) {
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
  review.matches = [];
  let all = 0;
  if (words.length) {
    // First the categories that a product may be labelled with exactly, then those above them.
    for (const ends of [1, 0]) {
      for (let node = 0; node < review.lower.length; node += 1) {
        if (review.tree.ends[node] !== ends) continue;
        if (!words.every((word) => review.lower[node].includes(word))) continue;
        all += 1;
        if (review.matches.length < MOST_OPTIONS) review.matches.push(node);
      }
    }
  }
  element("match-count").textContent = !words.length ? "" : all > MOST_OPTIONS
    ? `${all} found, the first ${MOST_OPTIONS} shown` : `${all} found`;
  review.marked = review.matches.length ? 0 : -1;
  element("search").setAttribute("aria-expanded", String(review.matches.length > 0));
  options();
}

function options() {
  element("options").replaceChildren(
    ...review.matches.map((node, number) => {
      const option = document.createElement("li");
      option.id = `option-${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(number === review.marked));
      option.textContent = review.tree.paths[node].join(" > ");
      if (!review.tree.ends[node]) option.textContent += " (the exact category is not known)";
      option.addEventListener("click", () => label(review.tree.ids[node]));
      return option;
    }),
  );
  const box = element("search");
  if (review.marked < 0) box.removeAttribute("aria-activedescendant");
  else {
    box.setAttribute("aria-activedescendant", `option-${review.marked}`);
    element(`option-${review.marked}`).scrollIntoView({ block: "nearest" });
  }
  showEnter();
}

function searched(event) {
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves && review.matches.length) {
    event.preventDefault();
    review.marked = (review.marked + moves[event.key] + review.matches.length) % review.matches.length;
    options();
  } else if (event.key === "Enter" && review.marked >= 0) {
    event.preventDefault();
    label(review.tree.ids[review.matches[review.marked]]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    element("search").value = "";
    search();
    element("title").focus();
  }
  event.stopPropagation();
}

// Keys that are typed into a field decide nothing; Enter leaves it.
function typed(event) {
  if (event.key === "Enter" || event.key === "Escape") {
    event.preventDefault();
    element("title").focus();
  }
  event.stopPropagation();
}

function commented() {
  const { item } = review.items[review.at];
  sessionStorage.setItem(draftKey(item), element("comment").value);
  showEnter();
}

function pressed(event) {
  if (event.repeat && !event.key.startsWith("Arrow")) return; // holding a key down decides only once
  if (event.ctrlKey || event.metaKey || event.altKey || !review.items.length) return;
  const shown = review.items[review.at];
  const number = Number(event.key) - 1;
  const onButton = ["BUTTON", "SUMMARY"].includes(event.target.tagName);
  const keys = {
    s: () => without("skip"), n: () => without("none"), m: () => without("missing"), u: undo,
    c: () => element("comment").focus(), ArrowLeft: () => go(review.at - 1), ArrowRight: () => go(review.at + 1),
    "/": () => element("search").focus(),
  };
  if (event.key === "Enter" && !onButton) keys.Enter = accept;
  if (shown.answers[number]) keys[event.key] = () => label(shown.answers[number].id);
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}

async function start() {
  const [queue, state] = await Promise.all(
    ["queue", "state"].map(async (name) => (await fetch(address(name))).json()),
  );
  review.items = queue.items;
  review.tree = queue.tree;
  review.explains = queue.explains;
  review.lower = queue.tree.paths.map((names) => fold(names.join(" > ")));
  review.key = `prodcat-review-${queue.name}`;
  for (const event of state.history) apply(event);
  // Decisions in this browser are newer than the server's; a decision that both have counts once.
  const seen = new Set(state.seen);
  const kept = storedDecisions();
  for (const event of kept) if (seen.has(event.id)) localStorage.removeItem(keyOf(event));
  review.outbox = kept.filter((event) => !seen.has(event.id));
  for (const event of review.outbox) apply(event);
  send();
  for (const [name, act] of Object.entries({
    accept, skip: () => without("skip"), none: () => without("none"), missing: () => without("missing"),
    undo, back: () => go(review.at - 1), forth: () => go(review.at + 1),
  })) element(name).addEventListener("click", act);
  for (const name of ["comment", "reviewer"]) element(name).addEventListener("keydown", typed);
  element("comment").addEventListener("input", commented);
  element("reviewer").value = localStorage.getItem(REVIEWER) || "";
  element("reviewer").addEventListener("input", () => {
    localStorage.setItem(REVIEWER, element("reviewer").value);
  });
  element("search").addEventListener("input", search);
  element("search").addEventListener("keydown", searched);
  document.addEventListener("keydown", pressed);
  const first = review.items.findIndex(({ item }) => !decisionOn(item));
  go(first < 0 ? 0 : first);
  document.documentElement.dataset.ready = "yes";
}

start();
