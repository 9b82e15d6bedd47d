import Basics
import GRDB

/// A table of figures, for people, spreadsheets and programs alike.
package struct MailReport: Sendable, Equatable {
  /// One value.
  package enum Cell: Sendable, Equatable {
    /// Words.
    case text(String)
    /// A count or a size.
    case number(Int64)
    /// A share, a mean; shown with two decimals.
    case decimal(Double)
    /// Nothing to say.
    case none
  }

  /// The titles.
  package var columns: [String]
  /// The rows; each has as many cells as there are titles.
  package var rows: [[Cell]]

  /// Makes a report.
  package init(columns: [String], rows: [[Cell]]) {
    self.columns = columns
    self.rows = rows
  }
}

/// The span, the steps and the owners of a report.
package struct ReportQuery: Sendable {
  /// How long one row is.
  package enum Step: String, Sendable, CaseIterable {
    /// An hour.
    case hour
    /// A day (UTC).
    case day
    /// A week from Monday (UTC).
    case week
  }

  /// Whom one row is about.
  package enum Owner: String, Sendable, CaseIterable {
    /// The whole server.
    case server
    /// One domain.
    case domain
    /// One account or address.
    case user
  }

  /// From when.
  package var from: Timestamp
  /// Until when, not included.
  package var to: Timestamp
  /// How long one row is.
  package var step: Step
  /// Whom one row is about.
  package var owner: Owner

  /// Collects them.
  package init(from: Timestamp, to: Timestamp, step: Step = .day, owner: Owner = .domain) {
    self.from = from
    self.to = to
    self.step = step
    self.owner = owner
  }

  /// SQL for the first second of the step in which a second lies.
  func bucket(_ seconds: String) -> String {
    switch step {
    case .hour: "\(seconds) / 3600 * 3600"
    case .day: "\(seconds) / 86400 * 86400"
    // The first of January 1970 was a Thursday.
    case .week: "(\(seconds) + 259200) / 604800 * 604800 - 259200"
    }
  }

  /// SQL for the owner in a column that holds an address or a domain.
  func owner(_ column: String) -> String {
    switch owner {
    case .server: "'*'"
    case .domain: "lower(\(Self.domain(column)))"
    case .user: "lower(\(column))"
    }
  }

  /// SQL for what stands behind the last `@`; the whole text without one.
  static func domain(_ column: String) -> String {
    "replace(\(column), rtrim(\(column), replace(\(column), '@', '')), '')"
  }

  /// The events of the span.
  var eventRange: StatementArguments { [EventRow.number(from), EventRow.number(to)] }

  /// The hours of the span.
  var hourRange: StatementArguments {
    [floorDivide(from.seconds, 3600), floorDivide(to.seconds + 3599, 3600)]
  }

  /// How a row's step is shown.
  func title(_ seconds: Int64) -> MailReport.Cell {
    let text = Timestamp(seconds: seconds).rfc3339
    return .text(step == .hour ? String(text.prefix(16)) + "Z" : String(text.prefix(10)))
  }
}
