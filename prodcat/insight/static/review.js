"use strict";
// Shows one item of a queue at a time. A decision is kept in the browser until the server has
// confirmed that it is on the disk. What is shown of an item, and what can be chosen for it, says
// `view`, which the script before this one defines.

const element = (name) => document.getElementById(name);
const REVIEWER = "prodcat-reviewer"; // the key of the name of whoever reviews

const review = { items: [], decisions: new Map(), order: [], at: 0, outbox: [], sending: false };

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

// The last decision about an item, or what was given with the queue.
const decisionOn = (item) => (review.decisions.get(item) || []).at(-1) ?? review.items[item]?.given ?? undefined;

function decide(kind, item, value = {}) {
  const event = { id: crypto.randomUUID(), item, kind, at: Date.now(), ...value };
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

function answerRow(keys, text, note, act) {
  const row = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const pressed = document.createElement("span");
  for (const name of keys) pressed.append(key(name), " ");
  const noted = document.createElement("span");
  noted.textContent = note;
  button.append(pressed, text, noted);
  button.addEventListener("click", act);
  row.append(button);
  return row;
}

function key(name) {
  const made = document.createElement("kbd");
  made.textContent = name;
  return made;
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
  element("place").textContent = `${sentence(view.noun)} ${review.at + 1} of ${size}`;
  const chosen = element("chosen");
  const event = decisionOn(shown.item);
  chosen.hidden = !event;
  chosen.replaceChildren();
  if (event) {
    chosen.append(...(event.kind === "skip" ? ["Skipped."] : view.said(event)));
    const by = [event.comment && `“${event.comment}”`, event.reviewer].filter(Boolean).join(", ");
    if (by) chosen.append(` (${by})`);
  }
  element("comment").value = commentOn(shown.item);
  view.draw(shown);
  showEnter();
}

const sentence = (text) => text[0].toUpperCase() + text.slice(1);

function go(to) {
  review.at = Math.min(Math.max(to, 0), Math.max(review.items.length - 1, 0));
  draw();
  element("title").focus();
}

function next() {
  const size = review.items.length;
  for (let step = 1; step <= size; step += 1) {
    const to = (review.at + step) % size;
    if (!decisionOn(review.items[to].item)) return go(to);
  }
  go(review.at);
  element("progress-text").textContent = `All ${size} are decided.`;
}

function choose(value) {
  decide("label", review.items[review.at].item, value);
  next();
}

// What Enter does now: its words on the button, and the act; no act if there is nothing to do.
function onEnter() {
  const shown = review.items[review.at];
  if (!shown) return { words: "Nothing to accept" };
  const sought = view.sought();
  const event = decisionOn(shown.item);
  if (!sought && event && hasNewComment(shown.item)) {
    return { words: "Save the comment", act: () => { decide(event.kind, shown.item, view.chosen(event)); next(); } };
  }
  if (!sought && event) return { words: `Next ${view.noun}`, act: next }; // without deciding again
  const offered = sought || view.proposed(shown);
  if (!offered) return { words: "Nothing to accept" };
  return { words: `Accept “${offered.name}”`, act: () => choose(offered.value) };
}

function accept() {
  onEnter().act?.();
}

function showEnter() {
  const { words, act } = onEnter();
  element("accept").disabled = !act;
  element("accept").replaceChildren(words, ...(act ? [" ", key("Enter")] : []));
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

// -- keys -------------------------------------------------------------------------

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
  const onButton = ["BUTTON", "SUMMARY"].includes(event.target.tagName);
  const keys = {
    ...view.keys(review.items[review.at]),
    s: () => without("skip"), u: undo, c: () => element("comment").focus(),
    ArrowLeft: () => go(review.at - 1), ArrowRight: () => go(review.at + 1),
  };
  if (event.key === "Enter" && !onButton) keys.Enter = accept;
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
}

async function start() {
  const [queue, state] = await Promise.all(
    ["queue", "state"].map(async (name) => (await fetch(address(name))).json()),
  );
  review.items = queue.items;
  view.setUp(queue);
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
    accept, skip: () => without("skip"), undo, back: () => go(review.at - 1), forth: () => go(review.at + 1),
  })) element(name).addEventListener("click", act);
  for (const name of ["comment", "reviewer"]) element(name).addEventListener("keydown", typed);
  element("comment").addEventListener("input", commented);
  element("reviewer").value = localStorage.getItem(REVIEWER) || "";
  element("reviewer").addEventListener("input", () => {
    localStorage.setItem(REVIEWER, element("reviewer").value);
  });
  document.addEventListener("keydown", pressed);
  const first = review.items.findIndex(({ item }) => !decisionOn(item));
  go(first < 0 ? 0 : first);
  document.documentElement.dataset.ready = "yes";
}

start();
