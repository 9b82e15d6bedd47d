import Basics
import GRDB

/// What the start of a destination's queue found.
package struct DestinationStart: Sendable, Equatable {
  /// Messages that waited for a later time and are due now.
  package var started = 0
  /// Messages that were due or under way already.
  package var underWay = 0

  /// Makes a result.
  package init(started: Int = 0, underWay: Int = 0) {
    self.started = started
    self.underWay = underWay
  }
}

extension MailQueue {
  /// Makes everything that waits for a destination due now, and says how much there is (ETRN).
  ///
  /// Messages on hold stay there and are not counted.
  ///
  /// - Parameters:
  ///   - destination: the domain in A-labels.
  ///   - subdomains: whether the domains below it are meant too.
  package func start(destination: String, subdomains: Bool) async throws -> DestinationStart {
    let now = time.now.milliseconds
    let found = try await writes.perform { db in
      let isMeant = subdomains ? "(destination = ?1 OR substr(destination, -length(?2)) = ?2)" : "destination = ?1"
      let arguments: StatementArguments = subdomains ? [destination, "." + destination] : [destination]
      func count(_ condition: String) throws -> Int {
        try Int.fetchOne(
          db, sql: "SELECT count(DISTINCT message) FROM recipient WHERE \(condition) AND \(isMeant)",
          arguments: arguments) ?? 0
      }
      let start = DestinationStart(
        started: try count("state = 0 AND next > \(now)"),
        underWay: try count("(state = 1 OR (state = 0 AND next <= \(now)))"))
      if start.started > 0 {
        try db.execute(
          sql: "UPDATE recipient SET next = \(now) WHERE state = 0 AND next > \(now) AND \(isMeant)",
          arguments: arguments)
      }
      return start
    }
    if found.started > 0 { listeners.wake() }
    return found
  }
}
