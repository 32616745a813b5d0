// Client of the emulator's control API.

async function request(verb, path, body) {
  const options = { method: verb, cache: "no-store" };
  if (verb === "POST" || verb === "PUT") {
    options.headers = { "content-type": "application/json" };
    options.body = JSON.stringify(body ?? {});
  }
  const response = await fetch(`/emulator${path}`, options);
  const result = await response.json();
  if (!response.ok) throw new Error(result.error?.message ?? response.statusText);
  return result;
}

export const get = (path) => request("GET", path);
export const post = (path, body) => request("POST", path, body);
export const put = (path, body) => request("PUT", path, body);
export const remove = (path) => request("DELETE", path);

/** Fetch all calls, page by page, so that no response blocks the emulator for long. */
export async function fetchCalls() {
  const calls = [];
  let before = "";
  do {
    const page = await get(`/calls?limit=1000${before}`);
    calls.push(...page.calls);
    before = page.before ? `&before=${page.before}` : "";
  } while (before);
  return calls;
}

/**
 * Subscribe to events, and reconnect when the connection breaks.
 * @param {(event: object) => void} onEvent
 * @param {(connected: boolean) => void} onConnection called after each connect and disconnect
 */
export function subscribe(onEvent, onConnection) {
  const source = new EventSource("/emulator/events");
  source.onopen = () => onConnection(true);
  source.onmessage = (message) => onEvent(JSON.parse(message.data));
  source.onerror = () => {
    onConnection(false);
    // The browser reconnects by itself, except after a response that is not a stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => subscribe(onEvent, onConnection), 2000);
  };
}
