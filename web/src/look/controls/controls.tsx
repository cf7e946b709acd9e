import { Alert, Button, Stack, Text } from "@mantine/core";
import { Icon } from "../frame/icon";
import { useView } from "../frame/view";
import type { Pyramid } from "../pixels/pyramid";
import { useLookPart, useLookStore } from "../selection";
import { Channels } from "./channels";
import { Labels } from "./labels";

/** All that changes how the image is drawn. */
export function Controls(props: { pyramid: Pyramid | undefined }) {
  const view = useView();
  const look = useLookStore();
  const error = useLookPart((state) => state.image.error);
  const reset = () => {
    look.setColourBy(null);
    view.reset();
  };
  return (
    <Stack gap="lg">
      {error ? (
        <Alert color="yellow" variant="light" title="The image itself cannot be shown">
          <Text size="sm">
            {error.fault} {error.advice}
          </Text>
        </Alert>
      ) : (
        <Channels pyramid={props.pyramid} />
      )}
      <Labels />
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon name="reset" size={14} />}
        onClick={reset}
      >
        Reset
      </Button>
    </Stack>
  );
}
