import { describe, expect, it } from "vitest";
import { hostOf, isOpen, placeIn, tokenIn } from "./words";

const token = `cm_${"aB3_-".repeat(8)}xyz`;
const secret = token.replace("cm_", "cyts_");

describe("what is pasted", () => {
  it.each([
    [token, token],
    [`  ${token}\n`, token],
    [`Authorization: Bearer ${token}`, token],
    [`token  ${token}  (of an administrator; kept in …)`, token],
    [`https://kiosk.example/shared#${secret}`, secret],
    ["Bearer a.b.c", "a.b.c"],
    [" cm_short ", "cm_short"],
    [`${token}longer`, `${token}longer`],
    ["", ""],
  ])("%j gives %j", (text, expected) => expect(tokenIn(text)).toBe(expected));
});

describe("where to go on", () => {
  it.each([
    ["?to=%2Fjobs%2F12", "/jobs/12"],
    ["?to=%2Fjobs%2F12%2Fimages%2F3%3Ft%3D1", "/jobs/12/images/3?t=1"],
    ["", "/"],
    ["?to=%2F%2Fevil.example", "/"],
    ["?to=%2F%5Cevil.example", "/"],
    ["?to=https%3A%2F%2Fevil.example", "/"],
    ["?to=javascript%3Aalert(1)", "/"],
    ["?to=%2F%09%2Fevil.example", "/"],
    ["?to=%2Fsign-in", "/"],
    ["?to=%2Fsign-in%2Fback", "/"],
  ])("%j leads to %j", (search, expected) => expect(placeIn(search)).toBe(expected));
});

it("calls a provider by its host", () => {
  expect(hostOf("https://login.example.org/realms/lab")).toBe("login.example.org");
  expect(hostOf("nothing")).toBe("nothing");
});

it.each([
  ["http:", "kiosk.example", true],
  ["http:", "10.0.0.7", true],
  ["http:", "127.0.0.1", false],
  ["http:", "localhost", false],
  ["http:", "[::1]", false],
  ["https:", "kiosk.example", false],
])("knows whether %s//%s can be read on the way", (protocol, hostname, expected) => {
  expect(isOpen({ protocol, hostname })).toBe(expected);
});
