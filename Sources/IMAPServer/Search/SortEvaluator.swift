import Basics
import MailStore

/// Orders messages by SORT's criteria (RFC 5256 section 3, RFC 5957).
struct SortEvaluator {
  /// One criterion's keys, in the order of the messages to sort.
  private enum Column {
    case numbers([Int64])
    case texts(TextColumn)
  }

  let view: MailboxView
  let mailbox: Mailbox

  /// The positions in sorted order; equal ones keep the mailbox's order.
  func sorted(_ positions: [Int], by criteria: [SortArgument.Criterion]) async throws -> [Int] {
    guard positions.count > 1 else { return positions }
    let columns = try await columns(positions, criteria.map(\.field))
    var order = Array(positions.indices)
    if columns.count == 1, case .texts(let values) = columns[0], !criteria[0].isReversed {
      // What nearly every client asks for.
      order.sort { left, right in
        let comparison = values.compare(left, right)
        return comparison == 0 ? left < right : comparison < 0
      }
      return order.map { positions[$0] }
    }
    order.sort { left, right in
      for (column, criterion) in zip(columns, criteria) {
        let comparison = Self.compare(column, left, right)
        if comparison != 0 { return criterion.isReversed ? comparison > 0 : comparison < 0 }
      }
      return left < right
    }
    return order.map { positions[$0] }
  }

  private static func compare(_ column: Column, _ left: Int, _ right: Int) -> Int {
    switch column {
    case .numbers(let values):
      return values[left] == values[right] ? 0 : (values[left] < values[right] ? -1 : 1)
    case .texts(let values): return values.compare(left, right)
    }
  }

  private func columns(_ positions: [Int], _ fields: [SortArgument.Field]) async throws -> [Column] {
    let texts = fields.compactMap(\.text)
    guard fields.contains(where: \.needsKeys) else { return fields.map { facts(positions, $0) } }
    let found = try await mailbox.sortColumns(positions.map { view.messages[$0].uid }, texts)
    return fields.map { field in
      if let text = field.text, let number = texts.firstIndex(of: text) { return .texts(found.texts[number]) }
      guard field == .date else { return facts(positions, field) }
      // RFC 5256 section 2.2: without a Date field INTERNALDATE counts.
      return .numbers(
        zip(positions, found.sentMilliseconds).map { position, sent in
          sent ?? view.messages[position].internalDate.milliseconds
        })
    }
  }

  private func facts(_ positions: [Int], _ field: SortArgument.Field) -> Column {
    switch field {
    case .size: .numbers(positions.map { Int64(view.messages[$0].size) })
    default: .numbers(positions.map { view.messages[$0].internalDate.seconds })
    }
  }
}

extension SortArgument.Field {
  /// Whether the order needs more than the mailbox's view.
  var needsKeys: Bool {
    switch self {
    case .arrival, .size: false
    default: true
    }
  }

  /// Whether the order needs exact dates or sizes.
  var needsMeasure: Bool {
    switch self {
    case .arrival, .size, .date: true
    default: false
    }
  }

  /// The header text it orders by.
  fileprivate var text: SortText? {
    switch self {
    case .cc: .cc
    case .from: .from
    case .to: .to
    case .subject: .subject
    case .displayFrom: .displayFrom
    case .displayTo: .displayTo
    case .arrival, .date, .size: nil
    }
  }
}
