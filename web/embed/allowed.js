// Which origins may ask: those that the site's host wrote into embed.html, in the form of a
// policy's source list.

/**
 * The list of this page.
 * @returns {string[]} origins; `https://*.name` stands for every one below a name
 */
export function allowedHosts() {
  const meta = document.querySelector('meta[name="embed-hosts"]');
  return (meta?.getAttribute("content") ?? "").split(" ").filter(Boolean);
}

/**
 * @param {string} origin as a message has it; "null" for pages of no site, which nothing allows
 * @param {string[]} hosts
 */
export function isAllowed(origin, hosts) {
  return hosts.some((host) => {
    const [scheme = "", below] = host.split("*");
    if (below === undefined) return host === origin;
    return origin.startsWith(scheme) && origin.slice(scheme.length).endsWith(below);
  });
}
