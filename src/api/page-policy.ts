/**
 * The Content-Security-Policy of the page: nothing from elsewhere, nothing that is written into it runs, and what an agent made
 * is shown only as a picture, a video or in a frame that may do nothing. `frame-ancestors` counts in a header alone.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "font-src 'self'",
  "connect-src 'self' blob:",
  "worker-src 'self'",
  "frame-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');
