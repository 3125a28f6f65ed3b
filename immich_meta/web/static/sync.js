// The form of a sync: all and none.

const boxes = document.querySelectorAll(".modules input[type=checkbox]");

function set(checked) {
  for (const box of boxes) {
    box.checked = checked;
  }
}

document.getElementById("all").addEventListener("click", () => set(true));
document.getElementById("none").addEventListener("click", () => set(false));
