// Rendering of JSON: coloured, with long strings truncated until expanded.

import { el } from "./dom.js";

/** Characters of a string that are shown at first. */
const MAX_STRING = 4000;
/** Characters of an object that fits into a line. */
const WIDTH = 56;
/** Placeholders of the emulator for images, videos and vectors. */
const ELIDED = /^‹[\d,]+ (bytes( of [^›]*)?|more)›$/;

/** Render a value as indented text. */
export function json(tree) {
  const box = el("pre.json", { tabindex: 0 });
  write(tree, 0, box);
  return box;
}

/** Return true if a value contains placeholders. */
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
  // Short values and vectors go in one line.
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
  if (value.length <= MAX_STRING) return el("span.string", { text: JSON.stringify(value) });
  const span = el("span.string", { text: JSON.stringify(value.slice(0, MAX_STRING)) });
  const more = el("button.more", { type: "button", text: `… ${(value.length - MAX_STRING).toLocaleString("en")} more characters` });
  more.addEventListener("click", () => {
    span.textContent = JSON.stringify(value);
    more.remove();
  });
  return el("span", {}, span, more);
}
