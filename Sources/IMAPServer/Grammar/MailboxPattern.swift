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
    // states[i]: the elements before i can spell the name so far.
    var states = [Bool](repeating: false, count: elements.count + 1)
    states[0] = true
    close(&states)
    for (index, octet) in name.enumerated() {
      var next = [Bool](repeating: false, count: elements.count + 1)
      var isAlive = false
      for (position, element) in elements.enumerated() where states[position] {
        switch element {
        case .any: next[position] = true
        case .level: if octet != separator { next[position] = true }
        case .octet(let wanted):
          let same = index < folded ? wanted.asciiUppercased == octet.asciiUppercased : wanted == octet
          if same { next[position + 1] = true }
        }
        isAlive = true
      }
      guard isAlive else { return false }
      close(&next)
      states = next
    }
    return states[elements.count]
  }

  /// Lets every wildcard stand for nothing.
  private func close(_ states: inout [Bool]) {
    for (position, element) in elements.enumerated() where states[position] {
      if element == .any || element == .level { states[position + 1] = true }
    }
  }

  private static func isInbox(_ octets: ArraySlice<UInt8>) -> Bool {
    octets.count == 5 && zip(octets, "INBOX".utf8).allSatisfy { $0.asciiUppercased == $1 }
  }
}
