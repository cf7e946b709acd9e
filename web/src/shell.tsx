import {
  ActionIcon,
  Anchor,
  AppShell,
  Burger,
  Button,
  Group,
  Image,
  Menu,
  NavLink,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useMe } from "./api/queries";
import { GuestNote } from "./people/guest-note";
import { useSignOut } from "./people/sign-out";

/** The places that the bar at the top leads to. */
const PLACES = [
  { to: "/", name: "Jobs", for: "everyone" },
  { to: "/new", name: "New job", for: "everyone" },
  { to: "/operate", name: "Operate", for: "administrators" },
] as const;

/** The frame of every page: the bar with the places and who is signed in, and the page itself. */
export function Shell(props: { children: ReactNode }) {
  const me = useMe().data;
  const [place] = useLocation();
  const [open, menu] = useDisclosure();
  const guest = Boolean(me?.job);
  const places = PLACES.filter((one) => !guest && (one.for === "everyone" || me?.role === "admin"));
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 220, breakpoint: "sm", collapsed: { desktop: true, mobile: !open } }}
      padding="md"
    >
      <a className="skip" href="#main">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px="md" justify="space-between" wrap="nowrap">
          <Group gap="lg" wrap="nowrap">
            {places.length > 0 && (
              <Burger
                opened={open}
                onClick={menu.toggle}
                hiddenFrom="sm"
                size="sm"
                aria-label={open ? "Close menu" : "Open menu"}
              />
            )}
            <Anchor component={Link} href="/" underline="never" aria-label="Cytomill, to your jobs">
              <Group gap={8} wrap="nowrap">
                <Image src="/icon.svg" alt="" w={26} h={26} />
                <Text fw={700} c="var(--mantine-color-text)">
                  Cytomill
                </Text>
              </Group>
            </Anchor>
            {places.length > 0 && (
              <Group component="nav" gap={4} visibleFrom="sm" aria-label="Places">
                {places.map((one) => (
                  <Button
                    key={one.to}
                    component={Link}
                    href={one.to}
                    variant={place === one.to ? "light" : "subtle"}
                    aria-current={place === one.to ? "page" : undefined}
                    size="sm"
                  >
                    {one.name}
                  </Button>
                ))}
              </Group>
            )}
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Scheme />
            <Person />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="xs" hiddenFrom="sm" aria-label="Places">
        {places.map((one) => (
          <NavLink
            key={one.to}
            component={Link}
            href={one.to}
            label={one.name}
            active={place === one.to}
            onClick={menu.close}
          />
        ))}
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {me?.job && <GuestNote me={me} />}
        {props.children}
      </AppShell.Main>
    </AppShell>
  );
}

/** Turns dark and light; until then it is as the system says. */
function Scheme() {
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  return (
    <ActionIcon
      variant="subtle"
      size="lg"
      onClick={() => setColorScheme(dark ? "light" : "dark")}
      aria-label={dark ? "Use light colours" : "Use dark colours"}
    >
      <span aria-hidden="true">{dark ? "☀" : "☾"}</span>
    </ActionIcon>
  );
}

/** Who is signed in, their tokens, and the way out. */
function Person() {
  const me = useMe().data;
  const { leave, barred } = useSignOut();
  if (!me) return null;
  return (
    <>
      {barred}
      <Menu position="bottom-end" width={200}>
        <Menu.Target>
          <Button variant="subtle" size="sm" maw={180}>
            <Text truncate size="sm">
              {me.job ? "Guest" : me.user}
            </Text>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {!me.job && (
            <Menu.Item component={Link} href="/tokens">
              Tokens
            </Menu.Item>
          )}
          <Menu.Item onClick={leave}>Sign out</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}
