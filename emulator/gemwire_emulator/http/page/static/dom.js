// Elements, made of text and never of HTML: what callers sent is shown here.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element.
 * @param {string} name `div`, or `div.some.classes`
 * @param {object} [props] attributes; `on…` are listeners, `text` is its text, false and null are left out
 * @param {...(Node|string|null|false)} children
 */
export function el(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElement(tag), classes, props, children);
}

/** The same for a part of a drawing. */
export function svg(name, props = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  return filled(document.createElementNS(SVG, tag), classes, props, children);
}

function filled(node, classes, props, children) {
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

/** Whether keys belong to a field and not to the page. */
export function isField(target) {
  return target instanceof HTMLElement && target.matches("input, select, textarea");
}

/** A button that says for a moment what became of it. */
export function doing(label, work, props = {}) {
  const button = el("button", { type: "button", text: label, ...props });
  button.addEventListener("click", async () => {
    let said;
    try {
      said = (await work()) ?? label;
    } catch (error) {
      said = error.message;
    }
    button.textContent = said;
    setTimeout(() => (button.textContent = label), 1500);
  });
  return button;
}
