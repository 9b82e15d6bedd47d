import Basics
import MailStore

/// What threading needs of one message.
struct ThreadInput {
  var position: Int
  var date: Timestamp
  /// INTERNALDATE.
  var received: Timestamp
  var subject: [UInt8]
  var isReply: Bool
  var messageID: String
  var references: [String]

  /// Reads the keys of the given messages; `Date:` stands, else the internal date (RFC 5256 section 2.2).
  static func load(_ positions: [Int], view: MailboxView, mailbox: Mailbox) async throws -> [ThreadInput] {
    var result: [ThreadInput] = []
    result.reserveCapacity(positions.count)
    var start = 0
    while start < positions.count {
      let end = min(start + 2000, positions.count)
      for keys in try await mailbox.keys(positions[start..<end].map { view.messages[$0].uid }) {
        guard let position = view.index(of: keys.uid) else { continue }
        result.append(
          ThreadInput(
            position: position, date: keys.sentDate ?? view.messages[position].internalDate,
            received: view.messages[position].internalDate,
            subject: Array(keys.baseSubject.utf8), isReply: keys.isReply, messageID: keys.messageID,
            references: keys.references.isEmpty && !keys.inReplyTo.isEmpty ? [keys.inReplyTo] : keys.references))
      }
      start = end
    }
    return result
  }
}

/// Threads as a forest; nodes without a message stand for ones that are not there.
struct ThreadForest {
  struct Node {
    /// Index into the input; `nil` for a dummy.
    var message: Int?
    var parent: Int?
    var children: [Int] = []
  }

  let messages: [ThreadInput]
  var nodes: [Node] = []
  var roots: [Int] = []

  /// When a node's first message was sent; for a dummy its first child's.
  func date(_ node: Int) -> (Timestamp, Int) {
    var current = node
    while nodes[current].message == nil, let child = nodes[current].children.first { current = child }
    guard let message = nodes[current].message else { return (Timestamp(milliseconds: 0), 0) }
    return (messages[message].date, messages[message].position)
  }

  /// Puts every node's children, then the roots, into the order of their dates.
  mutating func sort() {
    // Dummies stand near the roots and take their date from their children, so leaves go first.
    for node in depthFirst().reversed() where nodes[node].children.count > 1 {
      nodes[node].children = sorted(nodes[node].children)
    }
    roots = sorted(roots)
  }

  /// Puts the threads into the order of the newest message each has.
  mutating func sortRootsByNewest() {
    var newest: [Int: (Timestamp, Int)] = [:]
    // Children come behind their parents: backwards, each gives what it has to its parent.
    var parents: [Int: Int] = [:]
    for node in nodes.indices { for child in nodes[node].children { parents[child] = node } }
    for node in depthFirst().reversed() {
      let own = nodes[node].message.map { (messages[$0].received, messages[$0].position) }
      let best = [own, newest[node]].compactMap { $0 }.max { $0 < $1 }
      newest[node] = best
      if let parent = parents[node], let best, newest[parent].map({ $0 < best }) ?? true { newest[parent] = best }
    }
    roots.sort { (newest[$0] ?? (Timestamp(milliseconds: 0), 0)) < (newest[$1] ?? (Timestamp(milliseconds: 0), 0)) }
  }

  private func sorted(_ list: [Int]) -> [Int] {
    let dated = list.map { (node: $0, date: date($0)) }
    return dated.sorted { $0.date < $1.date }.map(\.node)
  }

  /// All nodes, each before its children; without recursion, since threads may be as deep as the mailbox is long.
  func depthFirst() -> [Int] {
    var result: [Int] = []
    var stack = Array(roots.reversed())
    while let node = stack.popLast() {
      result.append(node)
      stack.append(contentsOf: nodes[node].children.reversed())
    }
    return result
  }

  /// Writes `(1 2 (3)(4 5))…` (RFC 5256 section 4).
  func write(to out: inout ResponseWriter, _ number: (Int) -> UInt32) {
    enum Step {
      case open(Int)
      case node(Int, first: Bool)
      case close
    }
    var stack: [Step] = roots.reversed().map { .open($0) }
    while let step = stack.popLast() {
      switch step {
      case .close: out.octet(UInt8(ascii: ")"))
      case .open(let node):
        out.octet(UInt8(ascii: "("))
        stack.append(.close)
        stack.append(.node(node, first: true))
      case .node(let node, let isFirst):
        if !isFirst { out.space() }
        let children = nodes[node].children
        if let message = nodes[node].message {
          out.number(number(messages[message].position))
          if children.count == 1 {
            stack.append(.node(children[0], first: false))
            continue
          }
          if !children.isEmpty { out.space() }
        }
        for child in children.reversed() { stack.append(.open(child)) }
      }
    }
  }
}

/// THREAD=ORDEREDSUBJECT (RFC 5256 section 3): one thread per base subject, all others below its first message.
enum SubjectThreader {
  static func threads(_ messages: [ThreadInput]) -> ThreadForest {
    var forest = ThreadForest(messages: messages)
    forest.nodes = messages.indices.map { ThreadForest.Node(message: $0) }
    let order = messages.indices.sorted {
      (messages[$0].date, messages[$0].position) < (messages[$1].date, messages[$1].position)
    }
    var first: [[UInt8]: Int] = [:]
    for index in order {
      if let root = first[messages[index].subject] {
        forest.nodes[root].children.append(index)
        forest.nodes[index].parent = root
      } else {
        first[messages[index].subject] = index
        forest.roots.append(index)
      }
    }
    return forest
  }
}
