import { Button, Checkbox, Group, Stack, Text, Title } from "@mantine/core";
import { AT_ONCE, hasRoom, withChannel } from "../display";
import { automatic } from "../draw/intensity";
import { useCell } from "../frame/cell";
import { useCoarsest } from "../frame/overview";
import { useView } from "../frame/view";
import type { Pyramid } from "../pixels/pyramid";
import { useLookPart } from "../selection";
import { Colour } from "./colour";
import { Contrast } from "./contrast";

/** Which channels are shown, in which colours and with which contrast. */
export function Channels(props: { pyramid: Pyramid | undefined }) {
  const view = useView();
  const display = useCell(view.display);
  const facts = useLookPart((look) => look.image.channels);
  const tiles = useCoarsest(props.pyramid);
  const full = !hasRoom(display);
  return (
    <Stack gap="sm" component="section" aria-label="Channels">
      <Title order={2} size="h5">
        {facts.length === 1 ? "Image" : "Channels"}
      </Title>
      {full && facts.length > AT_ONCE && (
        <Text size="xs" c="dimmed">
          {AT_ONCE} of {facts.length} are shown: as many as can be at once.
        </Text>
      )}
      {facts.map((one, index) => {
        const shown = display.channels[index];
        const tile = tiles.get(index);
        if (!shown) return null;
        const change = (what: Partial<typeof shown>) =>
          view.change((now) => withChannel(now, index, what));
        const auto = () => {
          if (!tile) return;
          const [low, high] = automatic(tile.data);
          change({ low, high });
        };
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: channels keep their places, and may share names
          <Stack key={index} gap={6}>
            <Group gap="xs" wrap="nowrap">
              <Colour name={one.name} value={shown.colour} set={(colour) => change({ colour })} />
              <Checkbox
                flex={1}
                miw={0}
                size="sm"
                label={one.name}
                checked={shown.visible}
                disabled={full && !shown.visible}
                onChange={(event) => change({ visible: event.currentTarget.checked })}
              />
              {shown.visible && (
                <Button
                  size="compact-xs"
                  variant="default"
                  disabled={!tile}
                  onClick={auto}
                  aria-label={`Auto: contrast of ${one.name} by what is here`}
                >
                  Auto
                </Button>
              )}
            </Group>
            {shown.visible && <Contrast facts={one} display={shown} tile={tile} change={change} />}
          </Stack>
        );
      })}
    </Stack>
  );
}
