// For enumerations whose names users write. One list, a macro of the form
//   #define DAY33_PADDINGS(X) X(valid) X(same)
// makes the enumerators (with DAY33_ENUMERATOR) and the table of names (with DAY33_ENUMERATOR_NAME); core/names.h turns
// one into the other.
#pragma once

#define DAY33_ENUMERATOR(name) name,
#define DAY33_ENUMERATOR_NAME(name) #name,
