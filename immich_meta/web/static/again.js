// A page that is not finished yet: its part that changes is asked for again until it is, then the whole page.

const WAIT_MS = 600;
const part = document.getElementById("again");

async function look() {
  const answer = await fetch(location.href);
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("again");
  if (!answer.ok || found === null || !("active" in found.dataset)) {
    location.reload();
    return;
  }
  // The rest stays: who is about to press a button or reads with a screen reader is not thrown out.
  const before = part.querySelectorAll("progress, p");
  const after = found.querySelectorAll("progress, p");
  if (before.length === after.length) {
    before.forEach((each, at) => each.replaceWith(after[at]));
  } else {
    part.replaceChildren(...found.childNodes);
  }
  setTimeout(look, WAIT_MS);
}

setTimeout(look, WAIT_MS);
