// Formatting of numbers, times and names.

/** Format seconds: `0.4 ms`, `38 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 0.001) return `${(seconds * 1000).toFixed(2)} ms`;
  if (seconds < 0.01) return `${(seconds * 1000).toFixed(1)} ms`;
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 100) return `${seconds.toFixed(2)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function bytes(count) {
  if (count < 1024) return `${count} B`;
  return count < 2 ** 20 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 2 ** 20).toFixed(1)} MiB`;
}

export const grouped = (count) => count.toLocaleString("en");

/** Format the time of day, with milliseconds. */
export function clock(seconds) {
  const at = new Date(seconds * 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, "0")}`;
}

/** Return `GenerateContent` for `google.ai….GenerativeService/GenerateContent`. */
export const short = (method) => method.slice(method.lastIndexOf("/") + 1);

export const model = (name) => name.replace(/^models\//, "");

export const FRONTS = { grpc: "gRPC", http: "HTTP", websocket: "WS" };

/** Format token counts as far as they are known: `12 → 61`. */
export function tokens({ prompt, output }) {
  if (prompt === null && output === null) return "";
  return output === null ? `${grouped(prompt)}` : `${prompt === null ? "" : grouped(prompt)} → ${grouped(output)}`;
}

/** Classify the status of a call. */
export const outcome = (status) => (status === null ? "running" : status === "OK" ? "ok" : "failed");
