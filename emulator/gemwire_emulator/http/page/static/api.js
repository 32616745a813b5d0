// The control API of the emulator that this page came from.

async function ask(verb, path, body) {
  const options = { method: verb, cache: "no-store" };
  if (verb === "POST" || verb === "PUT") {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body ?? {});
  }
  const response = await fetch(`/emulator${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error?.message ?? response.statusText);
  return answer;
}

export const get = (path) => ask("GET", path);
export const post = (path, body) => ask("POST", path, body);
export const put = (path, body) => ask("PUT", path, body);
export const remove = (path) => ask("DELETE", path);

/** All calls that the emulator remembers, in pages: an answer does not keep it busy. */
export async function allCalls() {
  const found = [];
  let before = "";
  do {
    const page = await get(`/calls?limit=1000${before}`);
    found.push(...page.calls);
    before = page.before ? `&before=${page.before}` : "";
  } while (before);
  return found;
}

/**
 * What happens, as it happens.
 * @param {(event: object) => void} tell
 * @param {(state: "on"|"off") => void} linked when the connection stands, again and again, and when it breaks
 */
export function listen(tell, linked) {
  const source = new EventSource("/emulator/events");
  source.onopen = () => linked("on");
  source.onmessage = (message) => tell(JSON.parse(message.data));
  source.onerror = () => {
    linked("off");
    // The browser tries again by itself, except after an answer that is no stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(tell, linked), 2000);
  };
}
