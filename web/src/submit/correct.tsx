import {
  Button,
  Group,
  NumberInput,
  Popover,
  Radio,
  Select,
  SimpleGrid,
  Stack,
  Text,
} from "@mantine/core";
import { useState } from "react";
import { count } from "../ui/words";
import { ALL, type Corrections, corrected, correctionOf, folderOf, scopeOf } from "./corrections";
import { choose } from "./draft";
import { CorrectSign } from "./icons";
import { AXES, type Axis, exchanged, extents, type SeenImage } from "./understood";

/** A button, and behind it what may be wrong of an image: which axis is what, the pixel size. */
export function Correct(props: {
  path: string;
  zip: boolean;
  image: SeenImage;
  corrections: Corrections;
}) {
  const [open, setOpen] = useState(false);
  const name = props.path.slice(props.path.lastIndexOf("/") + 1);
  return (
    <Popover
      opened={open}
      onChange={setOpen}
      width={320}
      position="bottom-end"
      trapFocus
      returnFocus
      withinPortal
      shadow="md"
    >
      <Popover.Target>
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<CorrectSign />}
          onClick={() => setOpen(!open)}
          aria-label={`Correct ${name}`}
        >
          Correct
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={`Correct ${name}`}>
        {open && <Form {...props} close={() => setOpen(false)} />}
      </Popover.Dropdown>
    </Popover>
  );
}

function Form(props: {
  path: string;
  zip: boolean;
  image: SeenImage;
  corrections: Corrections;
  close: () => void;
}) {
  const { path, image, corrections } = props;
  const [before] = useState(() => correctionOf(corrections, path));
  const [said] = useState(image.axes);
  const [axes, setAxes] = useState(before?.axes?.length === said.length ? before.axes : said);
  const [size, setSize] = useState<number | string>(before?.pixel_size ?? "");
  const [scope, setScope] = useState(() => scopeOf(corrections, path) ?? path);
  const folder = folderOf(path);
  const known = image.pixel_size?.x;
  const use = (given: { axes: string | null; pixel_size: number | null }) => {
    choose((draft) => ({ corrections: corrected(draft.corrections, scope, given) }));
    props.close();
  };
  const asTheFileSays = () => {
    const nothing = { axes: null, pixel_size: null };
    // Where something is said of all around it, this one must say that it is otherwise.
    const rest = correctionOf(corrected(corrections, scope, nothing), path);
    use(rest ? { axes: said, pixel_size: known ?? null } : nothing);
  };
  return (
    <Stack gap="sm">
      <Text size="sm" fw={600}>
        Which axis is what?
      </Text>
      <SimpleGrid cols={2} spacing="xs" verticalSpacing="xs">
        {extents(image).map(({ size: many }, place) => (
          <Select
            // The axes of a file have no names but their places.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            key={place}
            size="xs"
            label={`Axis ${place + 1}: ${count(many)}`}
            data={Object.entries(AXES).map(([value, label]) => ({ value, label }))}
            value={axes[place] ?? null}
            onChange={(value) => value && setAxes(exchanged(axes, place, value as Axis))}
            allowDeselect={false}
            comboboxProps={{ withinPortal: false }}
          />
        ))}
      </SimpleGrid>
      <NumberInput
        size="xs"
        label="Pixel size"
        suffix=" µm"
        placeholder={known ? `${known} µm, as the file says` : "unknown"}
        value={size}
        onChange={setSize}
        min={0.0001}
        max={1_000_000}
        hideControls
      />
      <Radio.Group size="xs" label="For" value={scope} onChange={setScope}>
        <Stack gap={6} mt={4}>
          <Radio
            value={path}
            size="xs"
            label={props.zip ? "all images in this zip" : "this file"}
          />
          {folder && <Radio value={folder} size="xs" label={`all in the folder ${folder}`} />}
          <Radio value={ALL} size="xs" label="all images" />
        </Stack>
      </Radio.Group>
      <Group gap="xs" justify="flex-end">
        {before && (
          <Button size="xs" variant="default" onClick={asTheFileSays}>
            As the file says
          </Button>
        )}
        <Button
          size="xs"
          onClick={() =>
            use({
              axes: axes === said && !before?.axes ? null : axes,
              pixel_size: typeof size === "number" && size > 0 ? size : null,
            })
          }
        >
          Use this
        </Button>
      </Group>
    </Stack>
  );
}
