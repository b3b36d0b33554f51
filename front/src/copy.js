// A button beside each command and each secret that copies it. Without this file they are selected by hand.

/** `pre.command` and `.secret` get a button; `button[data-copy="ID"]` copies the text of that element. */
export function offerCopies(root) {
  if (!navigator.clipboard) return;
  for (const place of root.querySelectorAll(":is(pre.command, .secret):not(:has(button))")) {
    const code = place.querySelector("code");
    if (code) place.append(copyButton(() => code.textContent));
  }
  for (const button of root.querySelectorAll("button[data-copy]:not([data-ready])")) {
    button.dataset.ready = "";
    button.hidden = false;
    answer(button, () => document.getElementById(button.dataset.copy)?.textContent ?? "");
  }
}

function copyButton(text) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  answer(button, text);
  return button;
}

function answer(button, text) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}
