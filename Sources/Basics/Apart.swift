/// Runs `body` in a task of its own and waits for it; a cancellation is passed on.
///
/// A task keeps the memory its deepest chain of calls has needed until it ends. A session that lives for hours takes the
/// rare deep roads, a login above all, apart, and keeps only what waiting for the next command needs.
///
/// - Throws: what `body` throws.
package nonisolated(nonsending) func apart<Result: Sendable>(
  _ body: @escaping @Sendable () async throws -> Result
) async throws -> Result {
  let task = Task(operation: body)
  return try await withTaskCancellationHandler {
    try await task.value
  } onCancel: {
    task.cancel()
  }
}
