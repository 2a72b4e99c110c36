// What is wrong with a page, in words: a function for a browser.
() => {
  const wrong = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) wrong.push(`the page is ${root.scrollWidth} wide`);
  const rgb = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => c.slice(0, 3).map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => { for (; e; e = e.parentElement) {
    const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.9) return c; } return [255, 255, 255]; };
  for (const details of document.querySelectorAll("details")) details.open = true;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement, text = node.textContent.trim();
    if (!text || e.closest("script, style, title")) continue;
    const style = getComputedStyle(e), svg = e.closest("svg");
    const scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    const size = parseFloat(style.fontSize) * scale;
    if (size < 10.9) wrong.push(`${text.slice(0, 30)} is ${size.toFixed(1)} px`);
    const [a, b] = [light(rgb(svg ? style.fill : style.color)), light(behind(e))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) wrong.push(`${text.slice(0, 30)} has contrast ${contrast.toFixed(2)}`);
  }
  for (const svg of document.querySelectorAll("svg")) {
    const names = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
    for (let i = 0; i < names.length; i++) for (let j = i + 1; j < names.length; j++) {
      const [p, q] = [names[i][1], names[j][1]];
      const wide = Math.min(p.right, q.right) - Math.max(p.left, q.left), high = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
      if (wide > 2 && high > 3) wrong.push(`${names[i][0]} lies on ${names[j][0]}`);
    }
    const frame = svg.getBoundingClientRect();
    for (const [text, box] of names) if (box.left < frame.left - 1 || box.right > frame.right + 1) wrong.push(`${text} is cut`);
  }
  return wrong;
}
