// JSON to read: coloured, with long texts cut until somebody wants them.

import { el } from "./dom.js";

const LONG = 4000;
/** Characters that a short object may have. */
const WIDTH = 56;
/** What the emulator puts in the place of pictures, films and vectors. */
const ELIDED = /^‹[\d,]+ (bytes( of [^›]*)?|more)›$/;

/** A tree as indented text. */
export function json(tree) {
  const box = el("pre.json", { tabindex: 0 });
  write(tree, 0, box);
  return box;
}

/** Whether something was left out of a tree. */
export function isElided(tree) {
  if (typeof tree === "string") return ELIDED.test(tree);
  return tree !== null && typeof tree === "object" && Object.values(tree).some(isElided);
}

function write(value, depth, into) {
  if (Array.isArray(value)) {
    list(value.map((item) => [null, item]), "[", "]", depth, into);
  } else if (value !== null && typeof value === "object") {
    list(Object.entries(value), "{", "}", depth, into);
  } else if (typeof value === "string") {
    into.append(text(value));
  } else {
    into.append(el("span.number", { text: String(value) }));
  }
}

function list(entries, open, close, depth, into) {
  if (!entries.length) {
    into.append(open + close);
    return;
  }
  // What is short goes in one line, and numbers: a vector is no column.
  const flat =
    entries.every(([key, item]) => key === null && typeof item !== "object") ||
    JSON.stringify(entries).length + 2 * depth < WIDTH;
  const indent = flat ? "" : `\n${"  ".repeat(depth + 1)}`;
  into.append(open);
  entries.forEach(([key, item], index) => {
    into.append((index ? (flat ? ", " : ",") : "") + indent);
    if (key !== null) into.append(el("span.key", { text: JSON.stringify(key) }), ": ");
    write(item, depth + 1, into);
  });
  into.append((flat ? "" : `\n${"  ".repeat(depth)}`) + close);
}

function text(value) {
  if (ELIDED.test(value)) return el("span.elided", { text: value });
  if (value.length <= LONG) return el("span.string", { text: JSON.stringify(value) });
  const span = el("span.string", { text: JSON.stringify(value.slice(0, LONG)) });
  const more = el("button.more", { type: "button", text: `… ${(value.length - LONG).toLocaleString("en")} characters more` });
  more.addEventListener("click", () => {
    span.textContent = JSON.stringify(value);
    more.remove();
  });
  return el("span", {}, span, more);
}
