import { Alert, Box, Button, Image, Skeleton, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Link } from "wouter";
import { Empty } from "../../ui/empty";
import { Bar, type BarProps } from "./bar";
import classes from "./frame.module.css";

/** While it is not known what there is to see. */
export function Loading(props: { bar: BarProps }) {
  return (
    <div className={classes.frame} aria-busy="true">
      <Bar {...props.bar} />
      <Box p="md" flex={1}>
        <Skeleton height="100%" role="status" aria-label="Loading" />
      </Box>
    </div>
  );
}

/** An image of which nothing can be shown, and why. */
export function Away(props: {
  bar: BarProps;
  failed: string;
  said: { fault: string; advice: string } | null;
  retry: () => void;
}) {
  const { bar, failed, said, retry } = props;
  return (
    <div className={classes.frame}>
      <Bar {...bar} />
      <Empty
        title={failed ? "This image has failed" : "There is nothing to show"}
        action={
          failed ? (
            <Button component={Link} href={`/jobs/${bar.job}`} variant="default">
              Back to the job
            </Button>
          ) : (
            <Button variant="default" onClick={retry}>
              Try again
            </Button>
          )
        }
      >
        {failed || [said?.fault, said?.advice].filter(Boolean).join(" ")}
      </Empty>
    </div>
  );
}

/** A still picture where the browser cannot draw the image itself. */
export function Still(props: { bar: BarProps }) {
  const { job, index, name } = props.bar;
  const [none, setNone] = useState(false);
  return (
    <div className={classes.frame}>
      <Bar {...props.bar} />
      <Stack p="md" align="flex-start" style={{ overflow: "auto" }}>
        <Alert color="yellow" variant="light" title="This browser cannot draw the image">
          <Text size="sm">
            The viewer needs WebGL 2, which is switched off or missing here. Switch on hardware
            acceleration in the browser's settings, or use another browser.
            {none ? "" : " This is a still picture of the image with what was found in it."}
          </Text>
        </Alert>
        {!none && (
          <Image
            src={`/api/v1/jobs/${job}/items/${index}/preview.png?size=1024`}
            alt={`${name} with the outlines of what was found in it`}
            w="auto"
            maw="100%"
            onError={() => setNone(true)}
          />
        )}
      </Stack>
    </div>
  );
}
