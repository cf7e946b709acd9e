import { ColorPicker, ColorSwatch, Popover, UnstyledButton } from "@mantine/core";
import { hexOf, oklch } from "../draw/colours";
import classes from "./controls.module.css";

/** Light colours that can be told apart on black. */
const CHOICES = [
  "#ffffff",
  "#ff0000",
  "#00ff00",
  "#0000ff",
  "#00ffff",
  "#ff00ff",
  "#ffff00",
  ...[30, 70, 145, 200, 255, 300, 350].map((hue) => hexOf(oklch(0.78, 0.15, hue))),
];

/** A colour that is changed where it is pressed. */
export function Colour(props: { name: string; value: string; set: (colour: string) => void }) {
  const { name, value, set } = props;
  return (
    <Popover position="bottom-start" withinPortal={false} trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton className={classes.swatch} aria-label={`${name}: colour ${value}`}>
          <ColorSwatch color={value} size={20} component="span" />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <ColorPicker
          size="sm"
          value={value}
          onChange={set}
          swatches={CHOICES}
          swatchesPerRow={7}
          saturationLabel="Strength and lightness"
          hueLabel="Hue"
        />
      </Popover.Dropdown>
    </Popover>
  );
}
