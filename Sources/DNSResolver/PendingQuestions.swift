import Synchronization

/// The questions that wait for libunbound, by number.
///
/// libunbound hands back one pointer per question. It carries a number from this table instead of a reference, so that
/// an answer, a cancel and a failure may meet in any order and exactly one of them resumes the task.
final class PendingQuestions: Sendable {
  static let shared = PendingQuestions()

  private struct Question {
    var continuation: CheckedContinuation<UnboundContext.Reply, any Error>?
    var number: Int32?
  }
  private struct State {
    var next: UInt = 1
    var questions: [UInt: Question] = [:]
  }
  private let state = Mutex(State())

  /// Whether nothing waits.
  var isIdle: Bool { state.withLock { $0.questions.isEmpty } }

  /// Reserves a place; `nil` when too many wait already.
  func add(limit: Int) -> UInt? {
    state.withLock { state in
      guard state.questions.count < limit else { return nil }
      let id = state.next
      state.next = id == .max ? 1 : id + 1
      state.questions[id] = Question()
      return id
    }
  }

  /// Attaches the task that waits; `false` when it was cancelled before and is already resumed.
  func wait(_ id: UInt, _ continuation: CheckedContinuation<UnboundContext.Reply, any Error>) -> Bool {
    let known = state.withLock { state in
      state.questions[id]?.continuation = continuation
      return state.questions[id] != nil
    }
    if !known { continuation.resume(throwing: CancellationError()) }
    return known
  }

  /// Notes libunbound's own number; `true` when the question is gone (cancelled or answered) meanwhile.
  func started(_ id: UInt, _ number: Int32) -> Bool {
    state.withLock { state in
      state.questions[id]?.number = number
      return state.questions[id] == nil
    }
  }

  /// Takes the question out and resumes its task, if it is still there.
  func finish(_ id: UInt, _ result: Result<UnboundContext.Reply, any Error>) {
    let question = state.withLock { $0.questions.removeValue(forKey: id) }
    question?.continuation?.resume(with: result)
  }

  /// Takes the question out, resumes its task with `CancellationError`, and gives libunbound's number for it.
  func cancel(_ id: UInt) -> Int32? {
    let question = state.withLock { $0.questions.removeValue(forKey: id) }
    question?.continuation?.resume(throwing: CancellationError())
    return question?.number
  }
}
