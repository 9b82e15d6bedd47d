/// Cuts a message into parts, in one pass over its lines (RFC 2045, RFC 2046).
struct MIMEParser {
  /// A part whose end is not known yet, with the counts at the start of its body.
  private struct Open {
    var part: MIMEPart
    var linesBefore = 0
    var bareBefore = 0
  }

  /// The end of everything that a boundary line or the end of the file closes.
  private struct End {
    let offset: Int
    let lines: Int
    let bare: Int
  }

  private let limits: MIMEPart.Limits
  private var open: [Open] = []
  private var boundaries: BoundarySet
  private var partCount = 0
  private var position = 0
  private var lines = 0
  private var bare = 0

  init(limits: MIMEPart.Limits) {
    self.limits = limits
    boundaries = BoundarySet(maximumLength: limits.boundaryOctets)
  }

  mutating func parse(_ bytes: Span<UInt8>) -> MIMEPart {
    start(bytes)
    while position < bytes.count { scanBody(bytes) }
    close(downTo: 1, at: End(offset: bytes.count, lines: lines, bare: bare))
    var root = open[0]
    finish(&root, at: End(offset: bytes.count, lines: lines, bare: bare))
    return root.part
  }

  /// Reads a part's header section, and those of the messages nested right behind it.
  private mutating func start(_ bytes: Span<UInt8>) {
    var isDigestMember = false
    if let parent = open.last?.part { isDigestMember = parent.content == .multipart && parent.subtype == "digest" }
    while true {
      partCount += 1
      let bareBefore = bare
      var item = Open(part: MIMEPart(start: position))
      var fields = MIMEFields()
      scanHeader(bytes, &fields)
      item.part.headerRange = item.part.headerRange.lowerBound..<position
      item.part.headerBareLineFeeds = bare - bareBefore
      item.part.bodyRange = position..<position
      item.linesBefore = lines
      item.bareBefore = bare
      fields.apply(to: &item.part, in: bytes, limits: limits, isDigestMember: isDigestMember)
      let mayNest = open.count + 1 < limits.depth && partCount < limits.parts
      isDigestMember = false
      if item.part.content != .leaf, !mayNest { makeOpaque(&item.part) }
      open.append(item)
      if item.part.content == .multipart {
        boundaries.push(item.part.parameters.named("boundary")?.boundary ?? [], level: open.count - 1)
      }
      guard item.part.content == .message else { return }
    }
  }

  private func makeOpaque(_ part: inout MIMEPart) {
    part.content = .leaf
    part.type = "application"
    part.subtype = "octet-stream"
    part.parameters = []
  }

  /// Reads fields up to the blank line; stops before a boundary line.
  private mutating func scanHeader(_ bytes: Span<UInt8>, _ fields: inout MIMEFields) {
    let end = bytes.count
    while position < end {
      let start = position
      if boundary(bytes, at: start) != nil { return }
      let isBlank =
        bytes[start] == ASCII.lf || (bytes[start] == ASCII.cr && start + 1 < end && bytes[start + 1] == ASCII.lf)
      let firstLineEnd = nextLine(bytes)
      if isBlank { return }
      while position < end, ASCII.isBlank(bytes[position]) { nextLine(bytes) }
      // Only Content-… matters here; all other fields are skipped without a closer look.
      if bytes[start] | 0x20 == 0x63 {
        fields.note(
          HeaderScanner.field(bytes, start: start, firstLineEnd: firstLineEnd, end: position), in: bytes)
      }
    }
  }

  /// Moves behind the next LF, counting it.
  @discardableResult
  private mutating func nextLine(_ bytes: Span<UInt8>) -> Int {
    guard let lf = bytes.firstIndex(of: ASCII.lf, in: position..<bytes.count) else {
      position = bytes.count
      return position
    }
    lines += 1
    if lf == 0 || bytes[lf - 1] != ASCII.cr { bare += 1 }
    position = lf + 1
    return position
  }

  private func boundary(_ bytes: Span<UInt8>, at start: Int) -> (level: Int, closes: Bool)? {
    guard start + 1 < bytes.count, bytes[start] == ASCII.hyphen, bytes[start + 1] == ASCII.hyphen,
      !boundaries.isEmpty
    else { return nil }
    let stop = min(bytes.count, start + 2 + limits.boundaryOctets + 2)
    return boundaries.match(bytes, from: start + 2, to: bytes.lineEnd(from: start, to: stop))
  }

  /// Reads body lines up to and including the next boundary line, or to the end.
  private mutating func scanBody(_ bytes: Span<UInt8>) {
    let end = bytes.count
    var place = position
    var lineCount = 0
    var bareCount = 0
    let mayMatch = !boundaries.isEmpty
    while place < end {
      if mayMatch, bytes[place] == ASCII.hyphen, let found = boundary(bytes, at: place) {
        lines += lineCount
        bare += bareCount
        position = place
        reach(found, bytes)
        return
      }
      guard let lf = bytes.firstIndex(of: ASCII.lf, in: place..<end) else { break }
      lineCount += 1
      if lf == 0 || bytes[lf - 1] != ASCII.cr { bareCount += 1 }
      place = lf + 1
    }
    lines += lineCount
    bare += bareCount
    position = end
  }

  /// Handles a boundary line at `position`: closes what it ends, and starts the part behind it.
  private mutating func reach(_ found: (level: Int, closes: Bool), _ bytes: Span<UInt8>) {
    close(downTo: found.level + 1, at: endBefore(position, bytes))
    nextLine(bytes)
    if found.closes || partCount >= limits.parts {
      boundaries.pop(downTo: found.level)
    } else {
      boundaries.pop(downTo: found.level + 1)
      start(bytes)
    }
  }

  /// The line end before a boundary belongs to the boundary (RFC 2046 section 5.1.1).
  private func endBefore(_ lineStart: Int, _ bytes: Span<UInt8>) -> End {
    guard lineStart > 0, bytes[lineStart - 1] == ASCII.lf else {
      return End(offset: lineStart, lines: lines, bare: bare)
    }
    let hasCR = lineStart > 1 && bytes[lineStart - 2] == ASCII.cr
    return End(offset: lineStart - (hasCR ? 2 : 1), lines: lines - 1, bare: bare - (hasCR ? 0 : 1))
  }

  private mutating func close(downTo count: Int, at end: End) {
    while open.count > max(count, 1) {
      var item = open.removeLast()
      finish(&item, at: end)
      open[open.count - 1].part.children.append(item.part)
    }
  }

  private func finish(_ item: inout Open, at end: End) {
    let start = item.part.bodyRange.lowerBound
    guard end.offset > start else { return }
    item.part.bodyRange = start..<end.offset
    item.part.lineCount = max(0, end.lines - item.linesBefore)
    item.part.bodyBareLineFeeds = max(0, end.bare - item.bareBefore)
  }
}
