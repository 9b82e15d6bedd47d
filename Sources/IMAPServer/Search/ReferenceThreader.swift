/// THREAD=REFERENCES (RFC 5256 section 3): Jamie Zawinski's algorithm, step by step as the RFC numbers them.
struct ReferenceThreader {
  private var forest: ThreadForest
  private var byID: [String: Int] = [:]
  /// Which nodes have, or had, children.
  private var isParent: [Bool] = []

  static func threads(_ messages: [ThreadInput]) -> ThreadForest {
    var threader = ReferenceThreader(messages)
    threader.link()
    threader.prune()
    threader.forest.sort()
    threader.mergeSubjects()
    threader.forest.sort()
    return threader.forest
  }

  /// THREAD=REFS: no step 5, and threads in the order of their newest message's arrival, as it moves a conversation that
  /// goes on to the end.
  static func threadsByReferenceAlone(_ messages: [ThreadInput]) -> ThreadForest {
    var threader = ReferenceThreader(messages)
    threader.link()
    threader.prune()
    threader.forest.sort()
    threader.forest.sortRootsByNewest()
    return threader.forest
  }

  private init(_ messages: [ThreadInput]) { forest = ThreadForest(messages: messages) }

  // MARK: Step 1: containers and their links

  private mutating func link() {
    for (index, message) in forest.messages.enumerated() {
      let node = container(for: index, message.messageID)
      var previous: Int?
      for id in message.references where !id.isEmpty {
        let reference = container(id)
        if let previous, forest.nodes[reference].parent == nil { attach(reference, to: previous) }
        previous = reference
      }
      // The last reference is the parent, whatever other messages said about it.
      forest.nodes[node].parent = nil
      if let previous { attach(node, to: previous) }
    }
    for node in forest.nodes.indices {
      if let parent = forest.nodes[node].parent {
        forest.nodes[parent].children.append(node)
      } else {
        forest.roots.append(node)
      }
    }
  }

  /// The container of a message; one of its own when its id is missing or was seen before.
  private mutating func container(for message: Int, _ id: String) -> Int {
    if !id.isEmpty, let node = byID[id], forest.nodes[node].message == nil {
      forest.nodes[node].message = message
      return node
    }
    let node = forest.nodes.count
    forest.nodes.append(ThreadForest.Node(message: message))
    isParent.append(false)
    if !id.isEmpty, byID[id] == nil { byID[id] = node }
    return node
  }

  private mutating func container(_ id: String) -> Int {
    if let node = byID[id] { return node }
    let node = forest.nodes.count
    forest.nodes.append(ThreadForest.Node())
    isParent.append(false)
    byID[id] = node
    return node
  }

  /// Levels of a thread below which nothing is hung that has children: mail made to cost time would be looked through
  /// again for each of its messages.
  private static let deepest = 1000

  /// Makes a node another's child, unless that would close a loop; who is whose child is written down at the end.
  private mutating func attach(_ child: Int, to parent: Int) {
    guard child != parent else { return }
    if isParent[child] {
      var above: Int? = parent
      var levels = 0
      while let node = above {
        levels += 1
        if node == child || levels > Self.deepest { return }
        above = forest.nodes[node].parent
      }
    }
    forest.nodes[child].parent = parent
    isParent[parent] = true
  }

  // MARK: Step 3: containers without messages

  private mutating func prune() {
    for node in forest.depthFirst().reversed() {
      var kept: [Int] = []
      for child in forest.nodes[node].children {
        guard forest.nodes[child].message == nil else {
          kept.append(child)
          continue
        }
        // A dummy below the top gives its children to its parent; the shorter list goes to the longer one, so that a
        // long line of dummies costs no more than its length. Their order comes later.
        var given: [Int] = []
        swap(&given, &forest.nodes[child].children)
        if given.count > kept.count { swap(&given, &kept) }
        kept += given
      }
      forest.nodes[node].children = kept
    }
    forest.roots = forest.roots.compactMap { root in
      guard forest.nodes[root].message == nil else { return root }
      switch forest.nodes[root].children.count {
      case 0: return nil
      case 1: return forest.nodes[root].children[0]
      default: return root
      }
    }
  }

  // MARK: Step 5: threads of one subject

  private func firstMessage(_ root: Int) -> ThreadInput? {
    let node = forest.nodes[root].message == nil ? forest.nodes[root].children.first : root
    return node.flatMap { forest.nodes[$0].message }.map { forest.messages[$0] }
  }

  private func isReply(_ root: Int) -> Bool { firstMessage(root)?.isReply ?? false }

  private mutating func mergeSubjects() {
    var table: [[UInt8]: Int] = [:]
    for root in forest.roots {
      guard let subject = firstMessage(root)?.subject, !subject.isEmpty else { continue }
      guard let known = table[subject] else {
        table[subject] = root
        continue
      }
      let knownIsDummy = forest.nodes[known].message == nil
      let isDummy = forest.nodes[root].message == nil
      if !knownIsDummy, isDummy || (isReply(known) && !isReply(root)) { table[subject] = root }
    }
    var roots: [Int] = []
    var replaced: [Int: Int] = [:]
    for root in forest.roots {
      guard let subject = firstMessage(root)?.subject, !subject.isEmpty, let known = table[subject], known != root
      else {
        roots.append(root)
        continue
      }
      merge(root, into: known, subject: subject, &table, &replaced)
    }
    forest.roots = roots.map { replaced[$0] ?? $0 }
  }

  private mutating func merge(
    _ root: Int, into known: Int, subject: [UInt8], _ table: inout [[UInt8]: Int], _ replaced: inout [Int: Int]
  ) {
    let knownIsDummy = forest.nodes[known].message == nil
    let isDummy = forest.nodes[root].message == nil
    if knownIsDummy, isDummy {
      forest.nodes[known].children += forest.nodes[root].children
    } else if knownIsDummy || (isReply(root) && !isReply(known)) {
      forest.nodes[known].children.append(root)
    } else {
      // Two threads of equal rank become children of a new dummy, which takes the known one's place.
      let dummy = forest.nodes.count
      forest.nodes.append(ThreadForest.Node(message: nil, children: [known, root]))
      table[subject] = dummy
      replaced[known] = dummy
    }
  }
}
