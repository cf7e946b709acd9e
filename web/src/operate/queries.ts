import { useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "../api/client";

export type Consumer = Schema<"ConsumerAnswer">;
export type Failure = Schema<"FailureAnswer">;
export type Minute = Schema<"MinuteAnswer">;
export type Pool = Schema<"PoolAnswer">;
export type Scaling = Schema<"ScalingAnswer">;
export type Server = Schema<"ServerAnswer">;
export type Trouble = Schema<"TroubleAnswer">;
export type User = Schema<"UserAnswer">;

/** Milliseconds between two looks: at what changes all the time, and at what changes slowly. */
const OFTEN = 3000;
const SELDOM = 30_000;

/** What waits in the queues, and how many consumers there are. */
export function useQueues() {
  return useQuery({
    queryKey: ["admin", "queues"],
    queryFn: () => data(api.GET("/api/v1/queues")),
    refetchInterval: OFTEN,
  });
}

export function useConsumers() {
  return useQuery({
    queryKey: ["admin", "consumers"],
    queryFn: () => data(api.GET("/api/v1/admin/consumers")),
    refetchInterval: OFTEN,
  });
}

/** What the autoscaler last decided; null where none runs. */
export function useScaling() {
  return useQuery({
    queryKey: ["admin", "scaling"],
    queryFn: () => data(api.GET("/api/v1/admin/scaling")),
    refetchInterval: OFTEN,
  });
}

export function useServers() {
  return useQuery({
    queryKey: ["admin", "models"],
    queryFn: () => data(api.GET("/api/v1/admin/models")),
    refetchInterval: OFTEN,
  });
}

export function useThroughput() {
  return useQuery({
    queryKey: ["admin", "throughput"],
    queryFn: () =>
      data(api.GET("/api/v1/admin/throughput", { params: { query: { minutes: 60 } } })),
    refetchInterval: OFTEN,
  });
}

export function useFailures() {
  return useQuery({
    queryKey: ["admin", "failures"],
    queryFn: () => data(api.GET("/api/v1/admin/failures")),
    refetchInterval: SELDOM,
  });
}

export function useUsers() {
  return useQuery({
    queryKey: ["admin", "users"],
    queryFn: () => data(api.GET("/api/v1/admin/users")),
    refetchInterval: SELDOM,
  });
}

export function useStorage() {
  return useQuery({
    queryKey: ["admin", "storage"],
    queryFn: () => data(api.GET("/api/v1/admin/storage")),
    refetchInterval: SELDOM,
  });
}
