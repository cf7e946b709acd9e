/** What the kiosk says of an image before any of its pixels are read. */

export type Facts = {
  readonly images: readonly ImageFacts[];
};

export type ImageFacts = {
  readonly name: string;
  /** The axes the file has, of "TCZYX". */
  readonly axes: string;
  readonly shape: {
    readonly t: number;
    readonly c: number;
    readonly z: number;
    readonly y: number;
    readonly x: number;
  };
  readonly dtype: string;
  /** Micrometres of a pixel. */
  readonly pixel_size: { readonly x: number; readonly y: number; readonly z: number } | null;
  /** Seconds between two frames. */
  readonly interval: number | null;
  readonly rgb: boolean;
  readonly channels: readonly ChannelFacts[];
  /** Rows and columns of each level of the pyramid, the largest first. */
  readonly levels: readonly (readonly number[])[];
  /** Whether all levels can be read; until then `progress` of 0 to 1 of them. */
  readonly ready: boolean;
  readonly progress: number;
  readonly labels: { readonly dtype: string; readonly count: number } | null;
  readonly tracks: boolean;
  /** Rows of the table of measurements. */
  readonly rows: number;
  readonly columns: readonly ColumnFacts[];
};

export type ChannelFacts = {
  readonly name: string;
  /** "#rrggbb" */
  readonly colour: string;
  /** Intensities drawn black and full; at first, and the least and most there are. */
  readonly low: number;
  readonly high: number;
  readonly min: number;
  readonly max: number;
};

export type ColumnFacts = {
  readonly name: string;
  readonly unit: string;
  readonly kind: "number" | "text";
  readonly min: number | null;
  readonly max: number | null;
};
