import { describe, expect, it } from "vitest";
import { asProblem, Problem, problemOf } from "./problem";

describe("problemOf", () => {
  it("tells what the kiosk told, as a sentence", () => {
    const response = new Response(null, { status: 503, headers: { "retry-after": "2" } });
    const problem = problemOf(response, {
      code: "queue_away",
      detail: "redis is away",
      hint: "wait",
    });
    expect(problem).toMatchObject({ message: "Redis is away.", hint: "wait", retryAfter: 2 });
    expect(problem.passing).toBe(true);
  });

  it("makes words of what a proxy answers", () => {
    const problem = problemOf(new Response(null, { status: 502 }), "<html>");
    expect(problem.message).toContain("502");
    expect(problem.retryAfter).toBeUndefined();
  });
});

describe("asProblem", () => {
  it("takes a failed fetch for a kiosk that is away", () => {
    expect(asProblem(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, code: "away" });
  });

  it("leaves problems as they are", () => {
    const problem = new Problem(401, "not_signed_in", "No.");
    expect(asProblem(problem)).toBe(problem);
    expect(problem.signedOut).toBe(true);
  });
});
