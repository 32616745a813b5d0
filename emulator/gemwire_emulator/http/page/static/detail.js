// One call: what was asked, what was answered, and when.

import { get } from "./api.js";
import { doing, el } from "./dom.js";
import { bytes, clock, duration, FRONTS, grouped, outcome, short } from "./format.js";
import { isElided, json } from "./json.js";
import { chunks, textOf, timeline } from "./timeline.js";

/** Chunks that are listed before somebody asks for all. */
const MANY = 200;
/** Characters of a fact that has a line for itself. */
const WIDE = 26;

/**
 * All of a call.
 * @param {object} call as `/emulator/calls/{number}` has it
 * @param {() => void} close
 * @param {() => void} full asks for it with nothing left out
 */
export function detail(call, close, full) {
  return el(
    "article.call",
    { "data-number": call.number },
    head(call, close),
    call.error ? failure(call.error) : null,
    facts(call),
    actions(call, full),
    call.responses.length > 1 || (call.responses.length && call.status === null) ? streamed(call) : null,
    call.complete ? null : el("p.hint", { text: "Its later messages were too many to be kept." }),
    call.requests.length ? asked(call.requests) : null,
    answered(call),
    metadata(call.metadata),
  );
}

function head(call, close) {
  return el(
    "header",
    { "data-outcome": outcome(call.status) },
    el("h2", { text: short(call.method) }),
    el("span.status", { text: call.status ?? "running" }),
    el("span.number", { text: `#${call.number}` }),
    el("button.close", { type: "button", text: "×", "aria-label": "Close (Esc)", title: "Close (Esc)", onclick: close }),
  );
}

function failure(error) {
  return el(
    "section.failure",
    {},
    el("p", { text: error.message }),
    error.details ? json(error.details) : null,
  );
}

function facts(call) {
  const { prompt, output } = call.tokens;
  const known = {
    service: call.method.slice(0, call.method.lastIndexOf("/")),
    model: call.model,
    from: `${FRONTS[call.front] ?? call.front}, ${call.peer.replace(/^ipv[46]:/, "")}`,
    began: clock(call.began),
    took: call.elapsed === null ? "still going on" : duration(call.elapsed),
    "first chunk": call.messages > 1 ? duration(call.first) : "",
    messages: call.messages === 1 ? "" : grouped(call.messages),
    tokens: [
      prompt === null ? "" : `${grouped(prompt)} asked`,
      output === null ? "" : `${grouped(output)} answered`,
    ]
      .filter(Boolean)
      .join(", "),
    size: bytes(call.bytes),
  };
  const pairs = Object.entries(known).filter(([, value]) => value);
  const items = pairs.flatMap(([name, value]) => [
    el("dt", { text: name }),
    el(value.length > WIDE ? "dd.wide" : "dd", { text: value }),
  ]);
  return el("dl.facts", {}, ...items);
}

function actions(call, full) {
  const path = `/calls/${call.number}`;
  const copy = async (text) => {
    await navigator.clipboard.writeText(text);
    return "Copied";
  };
  const buttons = [
    doing("Copy as JSON", async () => copy(JSON.stringify(await get(path), null, 2)), { "data-copy": "json" }),
  ];
  if (call.requests.length && !short(call.method).startsWith("Bidi")) {
    buttons.unshift(doing("Copy as curl", async () => copy((await get(`${path}/curl`)).curl), { "data-copy": "curl" }));
  }
  if (isElided(call.requests) || isElided(call.responses)) {
    buttons.push(el("button", { type: "button", text: "Show all bytes", "data-full": true, onclick: full }));
  }
  return el("p.actions", {}, ...buttons);
}

function streamed(call) {
  const text = call.responses.map(textOf).join("");
  return el(
    "section.stream",
    {},
    el("h3", { text: "Stream" }),
    timeline(call),
    text ? el("p.said", { text }) : null,
  );
}

function asked(requests) {
  if (requests.length === 1) return el("section.request", {}, el("h3", { text: "Request" }), json(requests[0]));
  const items = requests.map((request, index) => item(`request ${index + 1}`, [Object.keys(request)[0] ?? ""], request));
  return el("section.request", {}, el("h3", { text: "Requests" }), ...few(items));
}

function answered(call) {
  const { responses } = call;
  if (!responses.length) return null;
  if (responses.length === 1 && call.status !== null) {
    const text = textOf(responses[0]);
    return el(
      "section.response",
      {},
      el("h3", { text: "Response" }),
      text ? el("p.said", { text }) : null,
      json(responses[0]),
    );
  }
  const items = chunks(call).map(({ at, text }, index) =>
    item(`response ${index + 1}`, [duration(at), text || Object.keys(responses[index])[0] || ""], responses[index]),
  );
  return el("section.response", {}, el("h3", { text: "Responses" }), ...few(items));
}

/** A message that is written out when somebody opens it. */
function item(name, says, message) {
  const box = el("details", { "data-key": name }, el("summary", {}, el("b", { text: name.split(" ")[1] }), ...says.map((text) => el("span", { text }))));
  box.addEventListener("toggle", () => {
    if (box.open && box.children.length === 1) box.append(json(message));
  });
  return box;
}

function few(items) {
  if (items.length <= MANY) return items;
  const rest = items.slice(MANY);
  const more = el("button.more", { type: "button", text: `${grouped(rest.length)} more` });
  more.addEventListener("click", () => more.replaceWith(...rest));
  return [...items.slice(0, MANY), more];
}

function metadata(pairs) {
  const rows = Object.entries(pairs).sort(([one], [other]) => (one < other ? -1 : 1));
  return el(
    "details.metadata",
    { "data-key": "metadata" },
    el("summary", {}, el("h3", { text: "Metadata" }), el("span", { text: `${rows.length}, secrets left out` })),
    el("dl", {}, ...rows.flatMap(([key, value]) => [el("dt", { text: key }), el("dd", { text: value })])),
  );
}
