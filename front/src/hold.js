// What somebody does in a part of the page while that part is exchanged: where the focus and the caret are, what is typed, ticked and
// unfolded goes over to the new part. What cannot go over (a list that is dropped down, a button under the finger, words that are being
// composed or selected) holds the part as it is until it is let go.

const DROPS_DOWN = "select, input[type=date], input[type=time], input[type=datetime-local]";
const LETS_GO = ["focusout", "pointerup", "pointercancel", "compositionend", "selectionchange"];

let pressed = null;
let composing = null;
let waiting = null;

addEventListener("pointerdown", (event) => { pressed = event.target; }, true);
// The click comes after it.
for (const type of ["pointerup", "pointercancel"]) addEventListener(type, () => setTimeout(() => { pressed = null; }), true);
addEventListener("compositionstart", (event) => { composing = event.target; }, true);
addEventListener("compositionend", () => { composing = null; }, true);
for (const type of LETS_GO) {
  document.addEventListener(type, () => {
    const act = waiting;
    waiting = null;
    act?.();
  });
}

function isSelected(part) {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
}

/** Whether it must stay as it is for now. */
export function isHeld(part) {
  const focus = document.activeElement;
  const dropped = part.contains(focus) && focus.matches(DROPS_DOWN);
  return dropped || part.contains(pressed) || part.contains(composing) || isSelected(part);
}

/** Does it as soon as something that may have held a part is let go. */
export function whenLetGo(act) {
  waiting = act;
}

/** What an element is known by, in a part and in the one that takes its place. */
function mark(element) {
  if (element.id) return `#${element.id}`;
  const within = element.form?.getAttribute("action") ?? "";
  const words = element.matches("input, textarea") ? "" : element.textContent.trim();
  return [element.tagName, element.getAttribute("href"), element.getAttribute("name"), element.getAttribute("value"), within, words].join("|");
}

/** The element of the new part that stands for it, among those of the same mark the one in the same place. */
function counterpart(part, known) {
  const same = [...part.querySelectorAll(known.tag)].filter((element) => mark(element) === known.mark);
  return same[known.place] ?? same.at(-1);
}

function known(part, element) {
  const own = mark(element);
  const same = [...part.querySelectorAll(element.tagName)].filter((other) => mark(other) === own);
  return { tag: element.tagName, mark: own, place: same.indexOf(element) };
}

function isTouched(field) {
  if (field.type === "hidden") return false;
  return field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}

function caret(field) {
  try {
    return field.selectionStart === null ? null : [field.selectionStart, field.selectionEnd, field.selectionDirection];
  } catch {
    return null;
  }
}

/** Lets `exchange` put other elements into the part, and goes on with what somebody was about in it. */
export function carry(part, exchange) {
  const fields = [...part.querySelectorAll("input, textarea")].filter(isTouched).map((field) => ({ ...known(part, field), value: field.value, checked: field.checked }));
  const unfolded = [...part.querySelectorAll("details[open] > summary")].map((summary) => known(part, summary));
  const focus = part.contains(document.activeElement) && document.activeElement !== part ? document.activeElement : null;
  const focused = focus && { ...known(part, focus), caret: caret(focus) };
  exchange();
  for (const field of fields) {
    const there = counterpart(part, field);
    if (there) Object.assign(there, { value: field.value, checked: field.checked });
  }
  for (const summary of unfolded) {
    const there = counterpart(part, summary);
    if (there) there.parentElement.open = true;
  }
  if (!focused) return;
  const there = counterpart(part, focused);
  if (there) {
    there.focus({ preventScroll: true });
    if (focused.caret) there.setSelectionRange(...focused.caret);
    return;
  }
  // It is gone. The next stop of the keyboard is what follows here, and not the top of the page.
  part.tabIndex = -1;
  part.focus({ preventScroll: true });
}
