import { Button, Group } from "@mantine/core";
import { useRef } from "react";
import { chosen, type Dropped, fromHandles } from "./gather";
import { picked } from "./pickers";
import type { Given } from "./uploader";

interface Taking {
  take: (files: Given[]) => void;
  read: (dropped: Dropped) => void;
}

/** Two buttons: files, and a folder. */
export function ChooseFiles(props: Taking & { small?: boolean }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const size = props.small ? "xs" : "sm";
  const choose = async (what: "files" | "folder") => {
    const handles = await picked(what);
    if (!handles) return (what === "files" ? files : folder).current?.click();
    if (handles.length === 0) return;
    props.read({
      handles: Promise.resolve(handles),
      read: (take) => fromHandles(handles, take),
    });
  };
  const taken = (input: HTMLInputElement) => {
    chosen(input.files ?? [], props.take);
    input.value = "";
  };
  return (
    <Group gap="xs">
      <Button size={size} onClick={() => void choose("files")}>
        Choose files
      </Button>
      <Button size={size} variant="default" onClick={() => void choose("folder")}>
        Choose a folder
      </Button>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label="Files"
        onChange={(event) => taken(event.currentTarget)}
      />
      <input
        ref={(input) => {
          folder.current = input;
          if (input) input.webkitdirectory = true;
        }}
        type="file"
        hidden
        aria-label="Folder"
        onChange={(event) => taken(event.currentTarget)}
      />
    </Group>
  );
}
