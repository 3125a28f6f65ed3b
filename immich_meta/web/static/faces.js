// The faces on a photo, drawn over it, and named below it.

const SVG = "http://www.w3.org/2000/svg";
const canvas = document.getElementById("canvas");
const photo = document.getElementById("photo");
const list = document.getElementById("faces");
const note = document.getElementById("faces-note");

function drawn(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, value);
  }
  return element;
}

function overlay(faces, width, height) {
  const svg = drawn("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "overlay" });
  const letter = (14 * width) / (photo.clientWidth || width); // 14 pixels, as it is shown now
  const groups = faces.map((face) => {
    const group = drawn("g", { class: face.name ? "face" : "face unnamed" });
    const x = face.x * width, y = face.y * height, w = face.w * width, h = face.h * height;
    group.append(drawn("rect", { x, y, width: w, height: h, rx: letter / 4 }));
    if (face.name) {
      const below = y + h + letter * 1.25 < height;
      const text = drawn("text", {
        x: x + w / 2, y: below ? y + h + letter * 1.05 : y - letter * 0.4,
        "font-size": letter, "text-anchor": "middle",
      });
      text.textContent = face.name.length > 28 ? `${face.name.slice(0, 27)}…` : face.name;
      group.append(text);
    }
    return group;
  });
  svg.append(...groups);
  canvas.querySelector(".overlay")?.remove();
  canvas.append(svg);
  for (const text of svg.querySelectorAll("text")) {
    const half = text.getComputedTextLength() / 2 + letter / 3;
    const middle = Number(text.getAttribute("x"));
    text.setAttribute("x", Math.max(half, Math.min(width - half, middle)));
  }
  return groups;
}

// Pictures that are another size now, as on a phone that is turned, get names of the same size.
function followed(faces, groups) {
  let width = photo.clientWidth;
  new ResizeObserver(() => {
    if (photo.clientWidth !== width) {
      width = photo.clientWidth;
      groups.splice(0, groups.length, ...overlay(faces, photo.naturalWidth, photo.naturalHeight));
    }
  }).observe(photo);
  return groups;
}

function named(faces, groups) {
  const items = faces.map((face, at) => {
    const item = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = face.name || canvas.dataset.unnamed;
    item.className = face.name ? "chip set" : "chip";
    item.append(name);
    item.addEventListener("pointerenter", () => groups[at]?.classList.add("lit"));
    item.addEventListener("pointerleave", () => groups[at]?.classList.remove("lit"));
    return item;
  });
  list.querySelector("ul").replaceChildren(...items);
  list.hidden = items.length === 0;
}

async function loaded() {
  if (!photo.complete) {
    await new Promise((done) => {
      photo.addEventListener("load", done, { once: true });
      photo.addEventListener("error", done, { once: true });
    });
  }
}

const [answer] = await Promise.all([fetch(canvas.dataset.faces), loaded()]);
if (answer.ok) {
  const { faces, note: words } = await answer.json();
  note.textContent = words;
  named(faces, photo.naturalWidth ? followed(faces, overlay(faces, photo.naturalWidth, photo.naturalHeight)) : []);
}
