/// The arguments of SEARCH and UID SEARCH.
struct SearchArgument: Equatable, Sendable {
  /// What ESEARCH (RFC 4731) and SEARCHRES (RFC 5182) give back.
  enum Result: String, CaseIterable, Sendable {
    case min = "MIN"
    case max = "MAX"
    case all = "ALL"
    case count = "COUNT"
    case save = "SAVE"
    /// A window of the result (RFC 9394 section 3.1, RFC 5267 section 4.4).
    case partial = "PARTIAL"
    /// Word of every change of the result (RFC 5267 section 4.3).
    case update = "UPDATE"
    /// Only a hint that the same search may come again (RFC 5267 section 4.2).
    case context = "CONTEXT"
  }

  /// `nil`: the old untagged SEARCH.
  var results: Set<Result>?
  /// The window PARTIAL asks for.
  var partial: ResultRange?
  /// Upper-case name; `nil` stands for US-ASCII (UTF-8 under IMAP4rev2).
  var charset: String?
  var key: SearchKey
}

/// The arguments of SORT and UID SORT (RFC 5256, RFC 5267 for RETURN).
struct SortArgument: Equatable, Sendable {
  enum Field: String, CaseIterable, Sendable {
    case arrival = "ARRIVAL"
    case cc = "CC"
    case date = "DATE"
    case from = "FROM"
    case size = "SIZE"
    case subject = "SUBJECT"
    case to = "TO"
    case displayFrom = "DISPLAYFROM"
    case displayTo = "DISPLAYTO"
  }

  struct Criterion: Equatable, Sendable {
    var field: Field
    var isReversed: Bool
  }

  var criteria: [Criterion]
  var search: SearchArgument
}

/// The arguments of THREAD and UID THREAD (RFC 5256).
struct ThreadArgument: Equatable, Sendable {
  enum Algorithm: String, CaseIterable, Sendable {
    case orderedSubject = "ORDEREDSUBJECT"
    case references = "REFERENCES"
    /// As REFERENCES, subjects aside; the thread with the newest message comes last.
    case refs = "REFS"
  }

  var algorithm: Algorithm
  var search: SearchArgument
}

extension ByteCursor {
  mutating func search() throws(GrammarError) -> SearchArgument {
    try space()
    return try searchArgument()
  }

  /// `[search-return-opts SP] search-program`.
  mutating func searchArgument() throws(GrammarError) -> SearchArgument {
    let (results, partial) = try searchResults()
    var charset: String?
    if takeWord("CHARSET") {
      try space()
      charset = try charsetName()
      try space()
    }
    return SearchArgument(results: results, partial: partial, charset: charset, key: try searchProgram())
  }

  mutating func sort() throws(GrammarError) -> SortArgument {
    try space()
    let (results, partial) = try searchResults()
    var isReversed = false
    var criteria: [SortArgument.Criterion] = []
    for word in try list({ (cursor) throws(GrammarError) in try cursor.keyword() }) {
      if word == "REVERSE" {
        isReversed = true
        continue
      }
      guard let field = SortArgument.Field(rawValue: word) else { throw GrammarError("Unknown sort criterion") }
      criteria.append(SortArgument.Criterion(field: field, isReversed: isReversed))
      isReversed = false
    }
    guard !criteria.isEmpty, !isReversed, criteria.count <= 32 else { throw GrammarError("Invalid sort criteria") }
    try space()
    let charset = try charsetName()
    try space()
    let search = SearchArgument(results: results, partial: partial, charset: charset, key: try searchProgram())
    return SortArgument(criteria: criteria, search: search)
  }

  mutating func thread() throws(GrammarError) -> ThreadArgument {
    try space()
    guard let algorithm = ThreadArgument.Algorithm(rawValue: try keyword()) else {
      throw GrammarError("Unknown threading algorithm")
    }
    try space()
    let charset = try charsetName()
    try space()
    let search = SearchArgument(results: nil, charset: charset, key: try searchProgram())
    return ThreadArgument(algorithm: algorithm, search: search)
  }

  private mutating func charsetName() throws(GrammarError) -> String {
    String(decoding: try aString().lazy.map(\.asciiUppercased), as: UTF8.self)
  }

  /// `RETURN (…)` and its space, when it stands here; no option means ALL.
  private mutating func searchResults() throws(GrammarError) -> (Set<SearchArgument.Result>?, ResultRange?) {
    guard takeWord("RETURN") else { return (nil, nil) }
    try space()
    var partial: ResultRange?
    let results = try list(allowEmpty: true) { (cursor) throws(GrammarError) in
      guard let result = SearchArgument.Result(rawValue: try cursor.keyword()) else {
        throw GrammarError("Unknown search result option")
      }
      if result == .partial {
        guard partial == nil else { throw GrammarError("PARTIAL may be asked for once") }
        try cursor.space()
        partial = try cursor.resultRange()
      }
      return result
    }
    // RFC 9394 section 3.1: the whole and a part of it exclude each other.
    guard partial == nil || !results.contains(.all) else { throw GrammarError("PARTIAL and ALL exclude each other") }
    try space()
    return (results.isEmpty ? [.all] : Set(results), partial)
  }
}
