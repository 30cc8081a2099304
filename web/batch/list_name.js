// How a template names a list of the user's: `__colours__`, or `__~colours__`. A name is no more
// than what stands between two pairs of underscores in one line.

export const LIST_NAME = /__~?(?=[^\s_])([^{}|,<>()[\]\\$\r\n]{1,200}?)(?<!\s)__/;
