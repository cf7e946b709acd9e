import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Image". */
export function Look(props: { job: string; index: number }) {
  useTitle("Image");
  return (
    <Title order={1}>
      Image {props.job} {props.index}
    </Title>
  );
}
