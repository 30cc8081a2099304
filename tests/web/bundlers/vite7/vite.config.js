// Servers of Vite 7 and older move a module away from its files unless they are told not to.

export default { optimizeDeps: { exclude: ["darkroom"] } };
