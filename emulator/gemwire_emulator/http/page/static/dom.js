// Elements built from text, never from HTML: the page shows data that clients sent.

const SVG = "http://www.w3.org/2000/svg";

/**
 * Create an element.
 * @param {string} name `div`, or `div.some.classes`
 * @param {object} [props] attributes; `on…` are listeners, `text` is the text content, false and null are skipped
 * @param {...(Node|string|null|false)} children
 */
export function el(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return populate(document.createElement(tag), classes, props, children);
}

/** Create an SVG element. */
export function svg(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return populate(document.createElementNS(SVG, tag), classes, props, children);
}

function populate(node, classes, props, children) {
  node.classList.add(...classes);
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "text") node.textContent = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Return true for elements that take keyboard input. */
export function isField(target) {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}

/** Create a button that shows the result of its action for a moment. */
export function actionButton(label, action, props = {}) {
  const button = el("button", { type: "button", text: label, ...props });
  button.addEventListener("click", async () => {
    let result;
    try {
      result = (await action()) ?? label;
    } catch (error) {
      result = error.message;
    }
    button.textContent = result;
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}
