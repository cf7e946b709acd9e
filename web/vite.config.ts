import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** The kiosk that the development server passes the API on to. */
const kiosk = process.env.KIOSK ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  resolve: {
    alias: {
      "@vivjs/loaders": new URL("src/look/pixels/viv-loaders.ts", import.meta.url).pathname,
    },
  },
  build: {
    outDir: process.env.OUT ?? "../src/cytomill/kiosk/page",
    emptyOutDir: true,
    // What others wrote may be passed on with their notices alone.
    license: { fileName: "licenses.md" },
    target: "es2022",
    // Pictures and fonts stay files: the page's policy lets it load nothing but its own.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2000,
  },
  server: { proxy: { "/api": { target: kiosk, changeOrigin: false } } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
