/// A LIST pattern: `*` stands for anything, `%` for anything within one level (RFC 3501 section 6.3.8).
///
/// Matching takes time in proportion to pattern × name, whatever the pattern.
struct MailboxPattern {
  private enum Element: Equatable {
    case octet(UInt8)
    case any
    case level
  }

  private var elements: [Element] = []
  private let separator: UInt8
  private var plainCount = 0

  /// Compiles a pattern; neighbouring wildcards collapse into one.
  init(_ pattern: [UInt8], separator: UInt8 = UInt8(ascii: "/")) {
    self.separator = separator
    for octet in pattern {
      switch octet {
      case UInt8(ascii: "*"):
        while elements.last == .any || elements.last == .level { elements.removeLast() }
        elements.append(.any)
      case UInt8(ascii: "%"):
        if elements.last != .any, elements.last != .level { elements.append(.level) }
      default:
        elements.append(.octet(octet))
        plainCount += 1
      }
    }
    if Self.isInbox(pattern.prefix(5)), pattern.count == 5 || pattern[5] == separator {
      for (index, octet) in "INBOX".utf8.enumerated() { elements[index] = .octet(octet) }
    }
  }

  /// Whether the name, INBOX spelled in capitals, is one the pattern asks for.
  func matches(_ name: [UInt8]) -> Bool {
    guard plainCount <= name.count else { return false }
    // INBOX is found in any case (RFC 3501 section 5.1): its letters are compared folded.
    let folded = Self.isInbox(name.prefix(5)) && (name.count == 5 || name[5] == separator) ? 5 : 0
    // states[i]: the elements before i can spell the name so far. Only those from `low` through `high` may be set.
    var states = [Bool](repeating: false, count: elements.count + 1)
    var next = states
    states[0] = true
    var (low, high) = (0, close(&states, from: 0, through: 0))
    for (index, octet) in name.enumerated() {
      var first = Int.max
      var last = -1
      for position in low...high where states[position] {
        states[position] = false
        guard position < elements.count, let target = step(position, octet, isFolded: index < folded) else { continue }
        next[target] = true
        first = min(first, target)
        last = max(last, target)
      }
      guard last >= 0 else { return false }
      (low, high) = (first, close(&next, from: first, through: last))
      swap(&states, &next)
    }
    return states[elements.count]
  }

  /// Where an element leads when it takes an octet; `nil` when it cannot.
  private func step(_ position: Int, _ octet: UInt8, isFolded: Bool) -> Int? {
    switch elements[position] {
    case .any: return position
    case .level: return octet == separator ? nil : position
    case .octet(let wanted):
      let same = isFolded ? wanted.asciiUppercased == octet.asciiUppercased : wanted == octet
      return same ? position + 1 : nil
    }
  }

  /// Lets every wildcard stand for nothing; gives the last position that is set then.
  private func close(_ states: inout [Bool], from low: Int, through high: Int) -> Int {
    var position = low
    var last = high
    while position <= last, position < elements.count {
      if states[position], elements[position] == .any || elements[position] == .level {
        states[position + 1] = true
        last = max(last, position + 1)
      }
      position += 1
    }
    return last
  }

  private static func isInbox(_ octets: ArraySlice<UInt8>) -> Bool {
    octets.count == 5 && zip(octets, "INBOX".utf8).allSatisfy { $0.asciiUppercased == $1 }
  }
}
