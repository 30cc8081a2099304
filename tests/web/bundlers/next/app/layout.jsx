// The page that every route of this site is in.

export const metadata = { title: "Darkroom in Next", icons: { icon: "data:," } };

/** @param {{ children: import("react").ReactNode }} props */
export default function Layout({ children }) {
  return (
    <html lang="en">
      <body>{children}</body>
    </html>
  );
}
