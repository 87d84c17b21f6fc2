"""Looks: what is wrong with how a page looks, asked of the page itself in the browser."""

from __future__ import annotations

from typing import Final

__all__ = ["CONTRAST", "FAULTS"]

FAULTS: Final = """(scrolling) => {
  const faults = [];
  if (document.documentElement.scrollWidth > innerWidth) faults.push("it scrolls sideways");
  for (const made of document.querySelectorAll("button, a, input, select")) {
    const box = made.getBoundingClientRect();
    if (!box.width || made.closest("[hidden]") || getComputedStyle(made).visibility === "hidden") continue;
    const name = made.getAttribute("aria-label") || made.textContent.trim() || made.labels?.[0]?.textContent || "";
    if (!name) faults.push("no name: " + made.outerHTML.slice(0, 90));
    if (box.width < 24 || box.height < 24) faults.push("too small: " + name + " " + box.width + "x" + box.height);
    if (scrolling && made.closest(scrolling)) continue;
    if (box.left < -1 || box.right > innerWidth + 1) faults.push("off the screen: " + name);
  }
  return faults;
}"""
"""Takes a selector of what scrolls sideways by itself, empty: nothing does. Gives a sentence for each fault."""
CONTRAST: Final = """([words, pictures]) => {
  const light = (rgb) => rgb.map((c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const read = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const poor = [];
  for (const made of document.querySelectorAll(words)) {
    const own = [...made.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || !made.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    let ground = null;
    for (let at = made; at && !ground; at = at.parentElement) {
      const found = read(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0.9) ground = found;
      if (pictures && at.matches(pictures)) ground = null, at = document.documentElement;
    }
    if (!ground) continue;
    const pair = [read(getComputedStyle(made).color), ground].map((rgb) => light(rgb.slice(0, 3)) + 0.05);
    const ratio = Math.max(...pair) / Math.min(...pair);
    if (ratio < 4.5) poor.push(made.outerHTML.slice(0, 90) + " " + ratio.toFixed(2));
  }
  return poor;
}"""
"""Takes the selectors of what has words, and of pictures, over which words are not judged here (empty: there are none).
Gives those whose words stand out by less than 4.5 to 1.
"""
