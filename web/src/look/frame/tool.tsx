import { ActionIcon, type ActionIconProps, Tooltip } from "@mantine/core";
import { Icon, type IconName } from "./icon";

/** A button with a picture; what it does is told to pointers and screen readers. */
export function Tool(
  props: {
    name: string;
    icon: IconName;
    act: () => void;
    pressed?: boolean;
    disabled?: boolean;
  } & Pick<ActionIconProps, "variant" | "size" | "className">,
) {
  const { name, icon, act, pressed, variant = "subtle", size = "lg", ...rest } = props;
  return (
    <Tooltip label={name} openDelay={400} withinPortal={false}>
      <ActionIcon
        variant={pressed ? "light" : variant}
        size={size}
        onClick={act}
        aria-label={name}
        aria-pressed={pressed}
        {...rest}
      >
        <Icon name={icon} />
      </ActionIcon>
    </Tooltip>
  );
}
