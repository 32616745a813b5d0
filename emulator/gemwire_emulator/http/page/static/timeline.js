// The timeline of a stream: a tick per chunk, whose height is the length of its text.

import { el, svg } from "./dom.js";
import { duration } from "./format.js";

const HEIGHT = 56;
const BASE = 40;

/** Return the text of a message, including thoughts and transcripts. */
export function textOf(message) {
  const contents = [
    ...(message.candidates ?? []).map((candidate) => candidate.content),
    message.serverContent?.modelTurn,
  ];
  const parts = contents.flatMap((content) => content?.parts ?? []);
  const transcript = message.serverContent?.outputTranscription?.text;
  return parts.map(partText).join("") || transcript || "";
}

function partText(part) {
  if (part.text !== undefined) return part.text;
  if (part.functionCall) return `${part.functionCall.name}(${JSON.stringify(part.functionCall.args ?? {})})`;
  return part.inlineData ? `‹${part.inlineData.mimeType}›` : "";
}

/** Return the output tokens so far, if a message counts them. */
const outputTokens = ({ usageMetadata: usage }) => usage?.candidatesTokenCount ?? usage?.responseTokenCount ?? null;

/** Return the chunks of a call with time, text and tokens. */
export function chunks({ times, responses }) {
  let before = 0;
  return responses.map((message, index) => {
    const sofar = outputTokens(message);
    const tokens = sofar === null ? null : Math.max(0, sofar - before);
    before = sofar ?? before;
    const at = times[index] ?? 0;
    return { at, gap: at - (index ? (times[index - 1] ?? 0) : 0), text: textOf(message), tokens };
  });
}

export function timeline(call) {
  const all = chunks(call);
  const end = Math.max(call.elapsed ?? 0, all.at(-1).at, 1e-6);
  const x = (seconds) => `${(1 + (98 * seconds) / end).toFixed(3)}%`;
  const most = Math.max(1, ...all.map((chunk) => chunk.text.length));
  const drawing = svg("svg.timeline", {
    height: HEIGHT,
    role: "slider",
    tabindex: 0,
    "aria-label": "Chunks",
    "aria-valuemin": 1,
    "aria-valuemax": all.length,
  });
  drawing.append(
    svg("rect.wait", { x: x(0), y: 8, width: `${((98 * all[0].at) / end).toFixed(3)}%`, height: BASE - 8 }),
    ...pauses(all).map((chunk) =>
      svg("rect.gap", { x: x(chunk.at - chunk.gap), y: 8, width: `${((98 * chunk.gap) / end).toFixed(3)}%`, height: BASE - 8 }),
    ),
    svg("line.axis", { x1: x(0), x2: x(end), y1: BASE, y2: BASE }),
    svg("text", { x: "1%", y: HEIGHT - 3, text: "0" }),
    svg("text.end", { x: "99%", y: HEIGHT - 3, text: duration(end) }),
  );
  const ticks = all.map(({ at, text }) => {
    const high = 10 + (22 * text.length) / most;
    return svg("line.tick", { x1: x(at), x2: x(at), y1: BASE - high, y2: BASE });
  });
  drawing.append(...ticks);
  if (call.status && call.status !== "OK") {
    drawing.append(svg("line.broken", { x1: x(end), x2: x(end), y1: 4, y2: BASE + 4 }));
  }
  const readout = el("p.readout", { "aria-live": "polite" });
  const point = pointer(all, ticks, drawing, readout);
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    const at = (((event.clientX - box.left) / box.width - 0.01) / 0.98) * end;
    point(nearest(all, at));
  });
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -all.length, End: all.length }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    point(Math.min(Math.max(Number(drawing.dataset.at) + step, 0), all.length - 1));
  });
  point(0);
  return el("div", {}, drawing, readout);
}

/** Return a function that shows a chunk. */
function pointer(all, ticks, drawing, readout) {
  return (index) => {
    ticks[Number(drawing.dataset.at ?? 0)].classList.remove("now");
    ticks[index].classList.add("now");
    drawing.dataset.at = index;
    const { at, gap, text, tokens } = all[index];
    const facts = [`chunk ${index + 1} of ${all.length}`, `at ${duration(at)}`, index ? `${duration(gap)} after the previous` : "first"];
    if (tokens !== null) facts.push(`${tokens} ${tokens === 1 ? "token" : "tokens"}`);
    readout.replaceChildren(el("span", { text: facts.join(" · ") }), el("q", { text: text || "no text" }));
    drawing.setAttribute("aria-valuenow", index + 1);
    drawing.setAttribute("aria-valuetext", `${facts.join(", ")}: ${text}`);
  };
}

/** Return the chunks with an unusually long gap before them. */
function pauses(all) {
  const gaps = all.slice(1).map((chunk) => chunk.gap).sort((one, other) => one - other);
  const median = gaps[Math.floor(gaps.length / 2)] ?? 0;
  return all.slice(1).filter((chunk) => chunk.gap > Math.max(3 * median, 0.02));
}

function nearest(all, at) {
  let best = 0;
  for (let index = 1; index < all.length; index += 1) {
    if (Math.abs(all[index].at - at) < Math.abs(all[best].at - at)) best = index;
  }
  return best;
}
