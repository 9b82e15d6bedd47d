import Basics
import MailStore
import MailSyntax

/// Orders messages by SORT's criteria (RFC 5256 section 3, RFC 5957).
struct SortEvaluator {
  /// One criterion's keys, in the order of the messages to sort.
  private enum Column {
    case numbers([Int64])
    case texts([[UInt8]])
  }

  let view: MailboxView
  let mailbox: Mailbox

  /// The positions in sorted order; equal ones keep the mailbox's order.
  func sorted(_ positions: [Int], by criteria: [SortArgument.Criterion]) async throws -> [Int] {
    guard positions.count > 1 else { return positions }
    let columns = try await columns(positions, criteria.map(\.field))
    var order = Array(positions.indices)
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
    case .texts(let values):
      if values[left] == values[right] { return 0 }
      return values[left].lexicographicallyPrecedes(values[right]) ? -1 : 1
    }
  }

  private func columns(_ positions: [Int], _ fields: [SortArgument.Field]) async throws -> [Column] {
    var columns: [Column] = fields.map { field in
      switch field {
      case .arrival: .numbers(positions.map { view.messages[$0].internalDate.seconds })
      case .size: .numbers(positions.map { Int64(view.messages[$0].size) })
      case .date: .numbers(positions.map { view.messages[$0].internalDate.milliseconds })
      default: .texts([[UInt8]](repeating: [], count: positions.count))
      }
    }
    guard fields.contains(where: \.needsKeys) else { return columns }
    var start = 0
    while start < positions.count {
      let end = min(start + 2000, positions.count)
      var index = start
      for keys in try await mailbox.keys(positions[start..<end].map { view.messages[$0].uid }) {
        while index < end, view.messages[positions[index]].uid < keys.uid { index += 1 }
        guard index < end, view.messages[positions[index]].uid == keys.uid else { continue }
        for (column, field) in fields.enumerated() { Self.set(&columns[column], field, keys, at: index) }
      }
      start = end
    }
    return columns
  }

  private static func set(_ column: inout Column, _ field: SortArgument.Field, _ keys: MessageKeys, at index: Int) {
    switch column {
    case .numbers(var values):
      guard field == .date, let sent = keys.sentDate else { return }
      column = .numbers([])
      values[index] = sent.milliseconds
      column = .numbers(values)
    case .texts(var values):
      guard let text = field.text(keys) else { return }
      column = .texts([])
      values[index] = TextFold.fold(utf8: Array(text.utf8))
      column = .texts(values)
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

  fileprivate func text(_ keys: MessageKeys) -> String? {
    switch self {
    case .cc: keys.cc
    case .from: keys.from
    case .to: keys.to
    case .subject: keys.baseSubject
    case .displayFrom: keys.displayFrom
    case .displayTo: keys.displayTo
    case .arrival, .date, .size: nil
    }
  }
}
