import { Button } from "@mantine/core";
import { Link } from "wouter";
import { Empty } from "../../ui/empty";

/** What those see who have no jobs yet: the way to the first. */
export function NoJobs() {
  return (
    <Empty
      title="No jobs yet"
      order={1}
      action={
        <Button component={Link} href="/new" size="md">
          New job
        </Button>
      }
    >
      Drop images, folders or zips anywhere on this page, choose what to do with them, and watch it
      being done.
    </Empty>
  );
}
