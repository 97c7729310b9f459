"use strict";
// One title after the other. What is decided stands in the browser until the server has it on disk.

const fold = (text) =>
  text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/ı/g, "i");
const place = (name) => document.getElementById(name);
const MOST_OPTIONS = 30;

const review = {
  items: [], tree: { ids: [], paths: [] }, lower: [],
  decisions: new Map(), order: [], at: 0, outbox: [], sending: false, found: [], marked: -1,
};

// Each decision that the server does not have yet is stored under a key of its own, so that two
// tabs do not write over each other.
function stored() {
  const found = [];
  for (let place = 0; place < localStorage.length; place += 1) {
    const key = localStorage.key(place);
    if (!key.startsWith(review.key)) continue;
    try {
      found.push(JSON.parse(localStorage.getItem(key)));
    } catch {
      // not ours
    }
  }
  return found.sort((one, other) => one.at - other.at);
}

const keyOf = (event) => `${review.key}-${event.id}`;

function say() {
  const waiting = place("waiting");
  waiting.hidden = review.outbox.length === 0 || !review.failed;
  waiting.textContent = `${review.outbox.length} decisions wait for the server, which does not answer. They are kept in this browser; start prodcat review again and they are sent.`;
}

// -- what stands ----------------------------------------------------------------

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

const standing = (item) => (review.decisions.get(item) || []).at(-1);

function decide(kind, item, node) {
  const event = { id: crypto.randomUUID(), item, kind, at: Date.now() };
  if (node !== undefined) event.node = node;
  apply(event);
  localStorage.setItem(keyOf(event), JSON.stringify(event));
  review.outbox.push(event);
  say();
  send();
}

async function send() {
  if (review.sending) return;
  review.sending = true;
  while (review.outbox.length) {
    const event = review.outbox[0];
    try {
      const answer = await fetch("/decide", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Prodcat": "review" },
        body: JSON.stringify(event),
      });
      if (answer.status >= 500) throw new Error(answer.statusText);
      review.failed = false;
      review.outbox.shift();
      localStorage.removeItem(keyOf(event));
      say();
      if (!answer.ok) {
        // It will never be taken: it does not stand, and the others go on.
        const said = await answer.json();
        const stack = (review.decisions.get(event.item) || []).filter((own) => own.id !== event.id);
        review.decisions.set(event.item, stack);
        const at = review.order.lastIndexOf(event.item);
        if (at >= 0 && event.kind !== "undo") review.order.splice(at, 1);
        place("refused").textContent = `A decision was refused: ${said.error}`;
        place("refused").hidden = false;
        go(review.items.findIndex((own) => own.item === event.item));
      }
    } catch {
      review.failed = true;
      say();
      break;
    }
  }
  review.sending = false;
  if (review.outbox.length) setTimeout(send, 1000);
}

// -- what is seen ---------------------------------------------------------------

function path(names) {
  const own = document.createElement("span");
  own.className = "path";
  for (const name of names) {
    const part = document.createElement("span");
    part.textContent = name;
    own.append(part);
  }
  return own;
}

function cell(text, kind) {
  const own = document.createElement("td");
  own.className = kind;
  own.textContent = text;
  return own;
}

function draw() {
  const size = review.items.length;
  const done = review.items.filter((own) => standing(own.item)).length;
  place("progress").max = Math.max(size, 1);
  place("progress").value = done;
  place("progress-said").textContent = `${done} of ${size} decided on`;
  const own = review.items[review.at];
  if (!own) {
    place("title").textContent = "There is nothing to review.";
    return;
  }
  place("place").textContent = `Title ${review.at + 1} of ${size}`;
  place("title").textContent = own.title;
  place("columns").textContent = Object.entries(own.columns).map(([k, v]) => `${k}: ${v}`).join(" · ");
  const chosen = place("chosen");
  const event = standing(own.item);
  chosen.hidden = !event;
  chosen.replaceChildren();
  if (event) {
    const node = review.tree.ids.indexOf(event.node);
    const names = node < 0 ? event.path || [event.node] : review.tree.paths[node];
    chosen.append(event.kind === "skip" ? "Skipped." : "Decided: ");
    if (event.kind === "label") chosen.append(path(names));
  }
  place("answers").replaceChildren(
    ...own.answers.map((answer, number) => {
      const row = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const key = document.createElement("kbd");
      key.textContent = number + 1;
      const sure = document.createElement("span");
      sure.textContent = `${(100 * answer.confidence).toFixed(1)} %`;
      button.append(key, path(answer.path), sure);
      button.addEventListener("click", () => label(answer.id));
      row.append(button);
      return row;
    }),
  );
  place("near").replaceChildren(
    ...own.neighbours.map((near) => {
      const row = document.createElement("tr");
      row.append(cell(near.title, "text"), cell(near.path.join(" > "), "text"), cell(near.likeness.toFixed(2), "figure"));
      return row;
    }),
  );
  place("search").value = "";
  search();
}

function go(to) {
  review.at = Math.min(Math.max(to, 0), Math.max(review.items.length - 1, 0));
  draw();
  place("title").focus();
}

function next() {
  const size = review.items.length;
  if (size && review.items.every((own) => standing(own.item))) {
    place("progress-said").textContent = `All ${size} are decided on.`;
  }
  for (let step = 1; step <= size; step += 1) {
    const to = (review.at + step) % size;
    if (!standing(review.items[to].item)) return go(to);
  }
  go(review.at);
}

function label(node) {
  decide("label", review.items[review.at].item, node);
  next();
}

function accept() {
  const own = review.items[review.at];
  if (!own) return;
  if (standing(own.item)) next(); // what is decided is not decided again in passing
  else if (own.answers.length) label(own.answers[0].id);
}

function skip() {
  decide("skip", review.items[review.at].item);
  next();
}

function undo() {
  const item = review.order.at(-1);
  if (item === undefined) return;
  decide("undo", item);
  go(review.items.findIndex((own) => own.item === item));
}

// -- another category -----------------------------------------------------------

function search() {
  const words = fold(place("search").value).split(/\s+/).filter(Boolean);
  review.found = [];
  let all = 0;
  if (words.length) {
    // Where a product may end first, then categories that others are below.
    for (const ends of [1, 0]) {
      for (let node = 0; node < review.lower.length; node += 1) {
        if (review.tree.ends[node] !== ends) continue;
        if (!words.every((word) => review.lower[node].includes(word))) continue;
        all += 1;
        if (review.found.length < MOST_OPTIONS) review.found.push(node);
      }
    }
  }
  place("found").textContent = !words.length ? "" : all > MOST_OPTIONS
    ? `${all} found, the first ${MOST_OPTIONS} shown` : `${all} found`;
  review.marked = review.found.length ? 0 : -1;
  place("search").setAttribute("aria-expanded", String(review.found.length > 0));
  options();
}

function options() {
  place("options").replaceChildren(
    ...review.found.map((node, number) => {
      const own = document.createElement("li");
      own.id = `option-${number}`;
      own.setAttribute("role", "option");
      own.setAttribute("aria-selected", String(number === review.marked));
      own.textContent = review.tree.paths[node].join(" > ");
      if (!review.tree.ends[node]) own.textContent += " (no more is known)";
      own.addEventListener("click", () => label(review.tree.ids[node]));
      return own;
    }),
  );
  const box = place("search");
  if (review.marked < 0) box.removeAttribute("aria-activedescendant");
  else {
    box.setAttribute("aria-activedescendant", `option-${review.marked}`);
    place(`option-${review.marked}`).scrollIntoView({ block: "nearest" });
  }
}

function searched(event) {
  const moves = { ArrowDown: 1, ArrowUp: -1 };
  if (event.key in moves && review.found.length) {
    event.preventDefault();
    review.marked = (review.marked + moves[event.key] + review.found.length) % review.found.length;
    options();
  } else if (event.key === "Enter" && review.marked >= 0) {
    event.preventDefault();
    label(review.tree.ids[review.found[review.marked]]);
  } else if (event.key === "Escape") {
    event.preventDefault();
    place("search").value = "";
    search();
    place("title").focus();
  }
  event.stopPropagation();
}

function pressed(event) {
  if (event.repeat && !event.key.startsWith("Arrow")) return; // a key that is held decides once
  if (event.ctrlKey || event.metaKey || event.altKey || !review.items.length) return;
  const own = review.items[review.at];
  const number = Number(event.key) - 1;
  const onButton = event.target.tagName === "BUTTON";
  const keys = {
    s: skip, u: undo, ArrowLeft: () => go(review.at - 1), ArrowRight: () => go(review.at + 1),
    "/": () => place("search").focus(),
  };
  if (event.key === "Enter" && !onButton) keys.Enter = accept;
  if (own.answers[number]) keys[event.key] = () => label(own.answers[number].id);
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}

async function start() {
  const [queue, state] = await Promise.all(
    ["/queue", "/state"].map(async (address) => (await fetch(address)).json()),
  );
  review.items = queue.items;
  review.tree = queue.tree;
  review.lower = queue.tree.paths.map((own) => fold(own.join(" > ")));
  review.key = `prodcat-review-${queue.name}`;
  for (const event of state.history) apply(event);
  // What this browser still holds comes after what the server has; what both have counts once.
  const seen = new Set(state.seen);
  const kept = stored();
  for (const event of kept) if (seen.has(event.id)) localStorage.removeItem(keyOf(event));
  review.outbox = kept.filter((event) => !seen.has(event.id));
  for (const event of review.outbox) apply(event);
  send();
  for (const [name, act] of Object.entries({
    accept, skip, undo, back: () => go(review.at - 1), forth: () => go(review.at + 1),
  })) place(name).addEventListener("click", act);
  place("search").addEventListener("input", search);
  place("search").addEventListener("keydown", searched);
  document.addEventListener("keydown", pressed);
  const first = review.items.findIndex((own) => !standing(own.item));
  go(first < 0 ? 0 : first);
  document.documentElement.dataset.ready = "yes";
}

start();
